/**
 * Brings the database's tables up to date, and ends. Servers do so as well when they start; a rollout does it once, before
 * the first of them, so that a step that fails stops it while the old ones serve.
 */
import { ConfigError } from "../service/environment.ts";
import { readConfig } from "./config.ts";
import { DatabaseError, openDatabase } from "./database.ts";

/** A large table takes its time, and so does whoever came first. */
const STATEMENT_MS_MAX = 60 * 60_000;

try {
  const { databaseUrl, dataDir } = readConfig();
  const { close } = await openDatabase({ url: databaseUrl, dataDir, statementMsMax: STATEMENT_MS_MAX });
  await close();
  process.stdout.write("migrate: the tables are up to date\n");
} catch (error) {
  const isTheirs = error instanceof ConfigError || error instanceof DatabaseError;
  process.stderr.write(`migrate: ${error instanceof Error ? (isTheirs ? error.message : error.stack) : error}\n`);
  process.exit(1);
}
