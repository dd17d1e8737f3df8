/** An embedded database with something in it, and processes that work on its backups until they are killed. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseScene } from "../../sim/scene.ts";
import { openDatabase, openEmbedded } from "../database.ts";
import { emptyDataDir } from "../server.fixture.ts";
import { SimulationStore } from "../simulation-store.ts";
import type { BackupStep } from "./make-backup.ts";
import type { RestoreStep } from "./restore-backup.ts";

const KILLED = fileURLToPath(new URL("./killed.fixture.ts", import.meta.url));
const SCENE = parseScene({
  name: "a ball",
  bodies: [{ id: "ball", pos: [0, 0, 1], geoms: [{ type: "sphere", size: [0.1] }] }],
});

interface Ends {
  after(end: () => Promise<void>): unknown;
}

/** What somebody has: their simulations, and the secret that their cookie is signed with. */
export interface Belongings {
  ids: string[];
  secret: string;
}

export async function emptyFolder(t: Ends): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "simgen-backup-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A data directory that has these. */
export async function dataDirWith(t: Ends, { ids, secret }: Belongings): Promise<string> {
  const dataDir = await emptyDataDir();
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  await put(dataDir, { ids, secret });
  return dataDir;
}

/** Adds simulations, and puts another secret in place. */
export async function put(dataDir: string, { ids, secret }: Belongings): Promise<void> {
  const { database, close } = await openDatabase({ url: undefined, dataDir });
  const store = new SimulationStore(database);
  for (const id of ids) await store.add(simulation(id));
  await close();
  await writeFile(join(dataDir, "cookie-secret"), secret);
}

/** As a server would find them. */
export async function belongingsIn(dataDir: string): Promise<Belongings> {
  const { database, close } = await openEmbedded(dataDir);
  const rows = await database.selectFrom("simulations").select("id").orderBy("id").execute();
  await close();
  return { ids: rows.map(({ id }) => id), secret: await readFile(join(dataDir, "cookie-secret"), "utf8") };
}

export function simulation(id: string) {
  return {
    ...{ id, owner: "ann", name: "a ball", planner: "rules" as const, model: null, prompt: `a ball, ${id} ☃` },
    ...{ scene: SCENE, understood: ["1 ball"], warnings: [] },
  };
}

/** A copy that may be harmed. */
export async function copyOf(t: Ends, folder: string): Promise<string> {
  const copy = join(await emptyFolder(t), "copy");
  await cp(folder, copy, { recursive: true });
  return copy;
}

/** The names of what counts as a backup. */
export async function namesIn(backupDir: string): Promise<string[]> {
  return (await readdir(backupDir)).filter((name) => !name.startsWith(".") && /^\d/.test(name));
}

/** Works in a process of its own that is killed, by SIGKILL, right after this step. */
export async function killedAfter(
  step: BackupStep | RestoreStep | `moved ${string}`,
  work: { does: "backup" | "restore"; dataDir: string; backupDir: string },
): Promise<void> {
  const child = spawn(process.execPath, ["--conditions=holdfast-source", KILLED, JSON.stringify({ ...work, step })], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  const [code, signal] = await once(child, "exit");
  if (signal !== "SIGKILL") throw new Error(`expected SIGKILL after "${step}", got ${signal ?? code}`);
}
