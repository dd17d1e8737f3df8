/**
 * Holding an embedded database still while its files are copied. All of it is on disk after a checkpoint, and PGlite writes
 * only while a statement runs: with its one connection taken, nothing changes. A server does so for whoever connects to
 * DATA_DIR/backup.sock, since nobody else may open its files; the work itself is done by the other process.
 */
import { once } from "node:events";
import { chmod, mkdtemp, readlink, rm, symlink } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import { z } from "zod";
import type { Database } from "../database.ts";
import { BackupError, reason } from "./backup-error.ts";
import { type Contents, contents, contentsOf } from "./contents.ts";

const SOCKET = "backup.sock";
/** Of 108 on Linux and 104 on macOS. */
const SOCKET_PATH_BYTES_MAX = 100;
/** Then the server takes its database back: what people want from it waits meanwhile. */
const HOLD_MS_MAX = 60_000;
/** For a server that is about to start. */
const CONNECT_MS_MAX = 10_000;
const CONNECT_AGAIN_MS = 200;
/** For a word that it is alive, */
const GREETING_MS_MAX = 5_000;
/** and until it has counted and hashed everything. */
const HOLD_WAIT_MS_MAX = 120_000;

/** What a server says, a line of JSON each. */
const message = z.discriminatedUnion("type", [
  z.object({ type: z.literal("greeting") }),
  z.object({ type: z.literal("busy") }),
  z.object({ type: z.literal("held"), contents }),
  z.object({ type: z.literal("released"), heldMs: z.number() }),
  z.object({ type: z.literal("failed"), message: z.string() }),
]);
type Message = z.output<typeof message>;

/** Runs `work` while nothing in the embedded database changes; its files are what `contents` says. */
export function holdStill<T>(database: Database, work: (contents: Contents) => Promise<T>): Promise<T> {
  return database.connection().execute(async (connection) => {
    const found = await contentsOf(connection);
    await sql`checkpoint`.execute(connection);
    return work(found);
  });
}

export interface HoldServer {
  close(): Promise<void>;
}

export interface HoldServerOptions {
  database: Database;
  dataDir: string;
  holdMsMax?: number;
  onHeld?(held: { heldMs: number; isReleased: boolean }): void;
  onError(error: unknown): void;
}

/** Listens on DATA_DIR/backup.sock, for this user only. The caller has the lock of DATA_DIR. */
export async function serveHolds(options: HoldServerOptions): Promise<HoldServer> {
  const link = join(options.dataDir, SOCKET);
  await rm(link, { force: true });
  const isLong = Buffer.byteLength(link) > SOCKET_PATH_BYTES_MAX;
  const path = isLong ? join(await mkdtemp(join(tmpdir(), "holdfast-")), SOCKET) : link;
  let holder: Socket | undefined;
  const server = createServer((socket) => {
    socket.on("error", () => {});
    if (holder !== undefined) {
      say(socket, { type: "busy" });
      socket.end();
      return;
    }
    holder = socket;
    void holdFor(socket, options)
      .catch((error) => {
        say(socket, { type: "failed", message: reason(error) });
        options.onError(error);
      })
      .finally(() => {
        holder = undefined;
        socket.end();
      });
  });
  server.listen(path);
  await once(server, "listening");
  await chmod(path, 0o600);
  if (isLong) await symlink(path, link);
  return {
    async close() {
      holder?.destroy();
      server.close();
      await rm(link, { force: true });
      if (isLong) await rm(dirname(path), { recursive: true, force: true });
    },
  };
}

async function holdFor(
  socket: Socket,
  { database, holdMsMax = HOLD_MS_MAX, onHeld = () => {} }: HoldServerOptions,
): Promise<void> {
  const isReleased = new Promise<boolean>((resolve) => {
    socket.once("data", () => resolve(true));
    socket.once("close", () => resolve(false));
  });
  say(socket, { type: "greeting" });
  await holdStill(database, async (found) => {
    if (socket.destroyed) return;
    const since = performance.now();
    say(socket, { type: "held", contents: found });
    const timer = new AbortController();
    const wasReleased = await Promise.race([isReleased, sleep(holdMsMax, false, timer)]);
    timer.abort();
    const heldMs = Math.round(performance.now() - since);
    say(socket, wasReleased ? { type: "released", heldMs } : { type: "failed", message: `held for ${heldMs} ms` });
    onHeld({ heldMs, isReleased: wasReleased });
  });
}

function say(socket: Socket, what: Message): void {
  if (!socket.destroyed) socket.write(`${JSON.stringify(what)}\n`);
}

// ---- the other side ----

/** As `holdStill`, with the database that the process `pid` has open in `dataDir`. Throws `BackupError`. */
export async function holdStillAt<T>(
  dataDir: string,
  pid: number,
  work: (contents: Contents) => Promise<T>,
  { connectMsMax = CONNECT_MS_MAX, greetingMsMax = GREETING_MS_MAX, holdWaitMsMax = HOLD_WAIT_MS_MAX } = {},
): Promise<T> {
  const socket = await connected(dataDir, pid, connectMsMax);
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const next = async <K extends Message["type"]>(type: K, withinMs: number): Promise<Extract<Message, { type: K }>> => {
    const timer = new AbortController();
    const line = await Promise.race([
      lines.next().catch(() => ({ done: true as const, value: undefined })),
      sleep(withinMs, undefined, timer),
    ]);
    timer.abort();
    if (line === undefined) throw unreachable(pid, `has not said "${type}" within ${withinMs / 1000} s`);
    if (line.done) throw unreachable(pid, "has hung up");
    const said = message.parse(JSON.parse(line.value));
    if (said.type === "busy")
      throw new BackupError("backup_busy", `process ${pid} is being backed up already: wait for that`);
    if (said.type === "failed")
      throw new BackupError("backup_failed", `process ${pid} took its database back: ${said.message}`);
    if (said.type !== type) throw unreachable(pid, `said "${said.type}", expected "${type}"`);
    return said as Extract<Message, { type: K }>;
  };
  try {
    await next("greeting", greetingMsMax);
    const { contents: found } = await next("held", holdWaitMsMax);
    const done = await work(found);
    socket.write("done\n");
    await next("released", greetingMsMax);
    return done;
  } finally {
    socket.destroy();
  }
}

async function connected(dataDir: string, pid: number, withinMs: number): Promise<Socket> {
  const link = join(dataDir, SOCKET);
  for (const deadline = performance.now() + withinMs; ; await sleep(CONNECT_AGAIN_MS)) {
    const socket = connect(await readlink(link).catch(() => link));
    try {
      await once(socket, "connect");
      socket.on("error", () => {});
      return socket;
    } catch (error) {
      if (performance.now() < deadline) continue;
      throw unreachable(pid, `offers no backup at ${link} (${reason(error)})`);
    }
  }
}

function unreachable(pid: number, what: string): BackupError {
  return new BackupError(
    "server_unreachable",
    `process ${pid} has the database and ${what}: is it of an older version, does it hang? Stop it, and run this again`,
  );
}
