import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, readdir, readlink, stat } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { sql } from "kysely";
import { type Database, openFiles } from "../database.ts";
import { emptyDataDir } from "../server.fixture.ts";
import { SimulationStore } from "../simulation-store.ts";
import { belongingsIn, dataDirWith, emptyFolder, simulation } from "./backup.fixture.ts";
import { contentsOf } from "./contents.ts";
import { type HoldServerOptions, holdStill, holdStillAt, serveHolds } from "./hold.ts";

const SHORT = { connectMsMax: 300, greetingMsMax: 300, holdWaitMsMax: 20_000 };

async function opened(t: TestContext): Promise<{ database: Database; dataDir: string }> {
  const dataDir = await dataDirWith(t, { ids: ["one"], secret: "s" });
  const { database, close } = await openFiles(join(dataDir, "postgres"));
  t.after(close);
  return { database, dataDir };
}

async function served(t: TestContext, options: HoldServerOptions): Promise<void> {
  const server = await serveHolds(options);
  t.after(() => server.close());
}

const fail = (error: unknown) => assert.fail(String(error));

test("while it is held, statements and transactions wait; a transaction that is open is waited for", async (t) => {
  const { database, dataDir } = await opened(t);
  await served(t, { database, dataDir, onError: fail });
  const transaction = await database.startTransaction().execute();
  await new SimulationStore(transaction).add(simulation("two"));
  const order: string[] = [];
  const held = holdStillAt(dataDir, 1, async ({ tables }) => {
    order.push("held");
    const added = new SimulationStore(database).add(simulation("three")).then(() => order.push("added"));
    await new Promise((resolve) => setTimeout(resolve, 100));
    order.push("copied");
    return { rows: tables["public.simulations"]?.rows, added };
  });
  await new Promise((resolve) => setTimeout(resolve, 100));
  order.push("committed");
  await transaction.commit().execute();
  const { rows, added } = await held;
  await added;
  assert.equal(rows, 2);
  assert.deepEqual(order, ["committed", "held", "copied", "added"]);
});

test("its socket is this user's alone, however long the path, and gone with the server", async (t) => {
  const { database } = await opened(t);
  const dataDir = join(await emptyFolder(t), "a-folder-with-a-long-name".repeat(5));
  await mkdir(dataDir);
  for (const folder of [dataDir, await emptyFolder(t)]) {
    const server = await serveHolds({ database, dataDir: folder, onError: fail });
    const path = join(folder, "backup.sock");
    const { mode } = await stat(path);
    assert.equal(mode & 0o777, 0o600);
    await holdStillAt(folder, 1, async () => {});
    const real = await readlink(path).catch(() => undefined);
    assert.equal(real !== undefined, folder === dataDir);
    await server.close();
    assert.deepEqual(await readdir(folder), []);
    if (real !== undefined) await assert.rejects(stat(join(real, "..")), { code: "ENOENT" });
  }
});

test("a socket that a killed server left is taken over", async (t) => {
  const { database, dataDir } = await opened(t);
  const program = `require("node:net").createServer().listen(process.argv[1], () => console.log("up"))`;
  const dead = spawn(process.execPath, ["--eval", program, join(dataDir, "backup.sock")]);
  await once(dead.stdout, "data");
  dead.kill("SIGKILL");
  await once(dead, "exit");
  assert.ok((await readdir(dataDir)).includes("backup.sock"));
  await served(t, { database, dataDir, onError: fail });
  await holdStillAt(dataDir, 1, async () => {});
});

test("a server that is too old, hangs, or dies is given up, and says what to do", async (t) => {
  const dataDir = await emptyFolder(t);
  const nothing = async () => assert.fail("nothing is held");
  await assert.rejects(holdStillAt(dataDir, 7, nothing, SHORT), {
    code: "server_unreachable",
    message: `process 7 has the database and offers no backup at ${dataDir}/backup.sock (connect ENOENT ${dataDir}/backup.sock): is it of an older version, does it hang? Stop it, and run this again`,
  });
  let answer = "";
  const server = createServer((socket) => {
    if (answer !== "") socket.end(answer);
    else t.after(() => void socket.destroy());
  }).listen(join(dataDir, "backup.sock"));
  await once(server, "listening");
  t.after(() => void server.close());
  await assert.rejects(holdStillAt(dataDir, 7, nothing, SHORT), /process 7 .* has not said "greeting" within 0\.3 s/);
  answer = `{"type":"greeting"}\n`;
  await assert.rejects(holdStillAt(dataDir, 7, nothing, SHORT), /process 7 has the database and has hung up/);
});

test("a hold that takes too long is ended, and what was copied does not count", async (t) => {
  const { database, dataDir } = await opened(t);
  const ended = Promise.withResolvers<unknown>();
  await served(t, { database, dataDir, holdMsMax: 100, onHeld: ended.resolve, onError: fail });
  const held = holdStillAt(dataDir, 7, async () => {
    assert.equal((await ended.promise) instanceof Object, true);
    return "a copy";
  });
  await assert.rejects(held, { code: "backup_failed", message: /process 7 took its database back: held for 1\d\d ms/ });
  await contentsOf(database);
});

test("one at a time; whoever goes away, whenever, gives the database back", async (t) => {
  const { database, dataDir } = await opened(t);
  const holds: unknown[] = [];
  await served(t, { database, dataDir, onHeld: (held) => holds.push(held), onError: fail });
  await holdStillAt(dataDir, 7, async () => {
    await assert.rejects(
      holdStillAt(dataDir, 7, async () => {}),
      { code: "backup_busy" },
    );
  });
  const blocked = holdStill(database, async () => {
    const early = connect(join(dataDir, "backup.sock"));
    await once(early, "data");
    early.destroy();
    await once(early, "close");
  });
  await blocked;
  const late = await heldBy(dataDir);
  late.destroy();
  await new SimulationStore(database).add(simulation("two"));
  assert.partialDeepStrictEqual(holds.at(-1), { isReleased: false });
});

/** A client that has the database; the one before it may not be quite gone. */
async function heldBy(dataDir: string): Promise<Socket> {
  for (;;) {
    const socket = connect(join(dataDir, "backup.sock")).setEncoding("utf8");
    let said = "";
    while (!/held|busy/.test(said)) said += (await once(socket, "data"))[0];
    if (said.includes("held")) return socket;
    socket.destroy();
  }
}

test("what is held is what its files say (D1)", async (t) => {
  const { database, dataDir } = await opened(t);
  await new SimulationStore(database).add(simulation("two"));
  const copy = await emptyFolder(t);
  await holdStill(database, () => cp(join(dataDir, "postgres"), join(copy, "postgres"), { recursive: true }));
  await new SimulationStore(database).add(simulation("three"));
  await cp(join(dataDir, "cookie-secret"), join(copy, "cookie-secret"));
  assert.deepEqual((await belongingsIn(copy)).ids, ["one", "two"]);
});

test("a table's hash tells apart what differs in any column, and nothing else (D1)", async (t) => {
  const dataDir = await emptyDataDir();
  const { database, close } = await openFiles(join(dataDir, "postgres"));
  t.after(close);
  const hash = async () => (await contentsOf(database)).tables["public.things"]?.hash;
  await sql`create table things (id int, at timestamptz, note text, rest jsonb)`.execute(database);
  const fill = sql`insert into things select i, timestamptz '2026-01-01' + i * interval '1 hour', repeat('x', i % 300), jsonb_build_object('i', i) from generate_series(1, 5000) i`;
  await fill.execute(database);
  const first = await hash();
  await sql`create table elsewhere as select * from things order by random()`.execute(database);
  await sql`truncate things`.execute(database);
  await sql`set timezone to 'Asia/Tokyo'`.execute(database);
  await sql`insert into things select * from elsewhere`.execute(database);
  assert.equal(await hash(), first, "in another order, in another time zone");
  for (const change of ["note = note || ' '", "at = at + interval '1 microsecond'", "rest = rest || '{\"i\": null}'"]) {
    await sql.raw(`update things set ${change} where id = 4321`).execute(database);
    assert.notEqual(await hash(), first, change);
    await sql`delete from things`.execute(database);
    await sql`insert into things select * from elsewhere`.execute(database);
  }
  assert.equal(await hash(), first);
  assert.equal((await contentsOf(database)).tables["public.things"]?.rows, 5000);
});
