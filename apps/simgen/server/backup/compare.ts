import { readFile } from "node:fs/promises";
import { openFiles } from "../database.ts";
import { BackupError, reason } from "./backup-error.ts";
import type { Manifest } from "./backups.ts";
import { contentsOf, differences } from "./contents.ts";

/**
 * Opens the files of a restored database, in a folder of its own, and compares what is in it with what was in the one it is a
 * copy of. Throws `BackupError` "backup_damaged", or "version_mismatch" when another PGlite made them and this one cannot
 * read them.
 */
export async function compareFiles(
  path: string,
  { contents, versions }: Pick<Manifest, "contents" | "versions">,
  name: string,
): Promise<void> {
  const here = await versionsHere();
  const unreadable = (error: unknown): never => {
    if (here.pglite === versions.pglite)
      throw new BackupError("backup_damaged", `${name} cannot be read: ${reason(error)}`, { cause: error });
    throw new BackupError(
      "version_mismatch",
      `${name} is of PGlite ${versions.pglite} (Postgres ${versions.postgres}), and PGlite ${here.pglite} cannot read it: restore it with Holdfast ${versions.holdfast}`,
      { cause: error },
    );
  };
  const { database, close } = await openFiles(path).catch(unreadable);
  try {
    const [first, ...more] = differences(await contentsOf(database).catch(unreadable), contents);
    if (first === undefined) return;
    const others = more.length === 0 ? "" : `, and ${more.length} more`;
    throw new BackupError("backup_damaged", `${name} is not what it was made of: ${first}${others}`);
  } finally {
    await close();
  }
}

/** Without the one of Postgres, which a database says itself. */
export async function versionsHere() {
  const holdfast = await versionIn(new URL("../../package.json", import.meta.url));
  const pglite = await versionIn(new URL("../package.json", import.meta.resolve("@electric-sql/pglite")));
  return { holdfast, node: process.versions.node, pglite };
}

async function versionIn(manifest: URL): Promise<string> {
  return String(JSON.parse(await readFile(manifest, "utf8")).version);
}
