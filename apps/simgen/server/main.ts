/** SimGen, composed: configuration in, one listening process out. */
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { Pool } from "../sim/pool.ts";
import { type Config, ConfigError, readConfig } from "./config.ts";
import { DatabaseError, openDatabase } from "./database.ts";
import { Edge } from "./edge.ts";
import { Health } from "./health.ts";
import { createHttp } from "./http.ts";
import { cookieSecret, Identities, isOwnOrigin } from "./identity.ts";
import { Conversation } from "./live.ts";
import { LiveRuns } from "./live-runs.ts";
import { createMetrics } from "./metrics.ts";
import { Problem } from "./problem.ts";
import { SimulationStore } from "./simulation-store.ts";
import { Simulations } from "./simulations.ts";

const IDLE_MS = 60_000;
const SHUTDOWN_TIMEOUT_MS = 10_000;
const PAGE_DIR = fileURLToPath(new URL("../web/dist", import.meta.url));

async function main(): Promise<void> {
  const config = readConfig();
  const logger = pino({
    level: config.logLevel,
    base: { server: config.serverId },
    redact: ["req.headers.authorization", "req.headers.cookie"],
  });
  const { database, close: closeDatabase } = await openDatabase({ url: config.databaseUrl, dataDir: config.dataDir });
  const pool = await Pool.create({ workers: config.simulationWorkers });
  const store = new SimulationStore(database);
  const runs = new LiveRuns(pool, IDLE_MS);
  const identities = new Identities({
    cookieSecret: await cookieSecret(config.cookieSecret, config.dataDir),
    apiKeys: config.apiKeys,
    secure: config.publicOrigin?.startsWith("https:") ?? false,
  });
  const health = await Health.start({ database: async () => store.ping().then(() => undefined) });

  let edge: Edge | undefined;
  const app = await createHttp({
    logger,
    identities,
    simulations: new Simulations({ store, pool, runs }),
    health,
    metrics: createMetrics({ pool, runs, edge: () => edge }),
    pageDir: PAGE_DIR,
  });
  edge = new Edge(app.server, {
    path: "/ws",
    identify(request) {
      if (health.draining) throw new Problem("shutting_down", "come back in a moment");
      if (!isOwnOrigin(request, config.publicOrigin))
        throw new Problem("origin_forbidden", `got Origin ${request.headers.origin}`);
      return identities.identify(request);
    },
    open: (connection) =>
      new Conversation(connection, { store, runs, onError: (error) => logger.error({ err: error }, "message failed") }),
  });
  await app.listen({ host: config.host, port: config.port, listenTextResolver: () => "listening" });
  process.stdout.write(`SimGen is ready: ${address(config, app.server.address())}\n`);

  let stopping = false;
  async function stop(signal: string): Promise<void> {
    if (stopping) return;
    stopping = true;
    health.draining = true;
    logger.info({ signal }, "shutting down");
    setTimeout(() => {
      logger.error(`not done within ${SHUTDOWN_TIMEOUT_MS} ms`);
      process.exit(1);
    }, SHUTDOWN_TIMEOUT_MS).unref();
    await edge?.close();
    await app.close();
    await pool.close();
    health.close();
    await closeDatabase();
    process.exit(0);
  }
  process.on("SIGTERM", () => void stop("SIGTERM"));
  process.on("SIGINT", () => void stop("SIGINT"));
}

function address({ host, publicOrigin }: Config, bound: ReturnType<import("node:net").Server["address"]>): string {
  if (publicOrigin !== undefined) return publicOrigin;
  const port = typeof bound === "object" ? bound?.port : bound;
  return `http://${host === "127.0.0.1" || host === "0.0.0.0" || host === "::" ? "localhost" : host}:${port}`;
}

try {
  await main();
} catch (error) {
  const known =
    error instanceof ConfigError || error instanceof DatabaseError || (error instanceof Error && "syscall" in error);
  process.stderr.write(
    `${known && error instanceof Error ? `simgen: ${error.message}` : `simgen: ${error instanceof Error ? error.stack : error}`}\n`,
  );
  process.exit(1);
}
