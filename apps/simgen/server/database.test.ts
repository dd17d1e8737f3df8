import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type LeakReport, Resources } from "@holdfast/resources";
import { sql } from "kysely";
import { parseScene } from "../sim/scene.ts";
import { DATABASE_CLIENTS, type Database, DatabaseError, openDatabase } from "./database.ts";
import { owners } from "./owner.ts";
import { startPostgres } from "./postgres.fixture.ts";
import { emptyDataDir, startServer, Visitor } from "./server.fixture.ts";
import { SimulationStore } from "./simulation-store.ts";

const scene = parseScene({
  name: "a ball",
  bodies: [{ id: "ball", pos: [0, 0, 1], geoms: [{ type: "sphere", size: [0.1] }] }],
});

const simulation = (id: string, owner: string) => ({
  id,
  owner,
  name: "a ball",
  planner: "rules" as const,
  model: null,
  prompt: "a 'ball' \\ ☃ \"",
  scene,
  understood: ["1 ball"],
  warnings: [],
});

/** What the store promises, on whatever database. */
async function contract(database: Database): Promise<void> {
  const store = new SimulationStore(database);
  await store.ping();
  const added = await store.add(simulation("one", "ann"));
  assert.deepEqual(await store.get("ann", "one"), added);
  assert.equal(added.prompt, "a 'ball' \\ ☃ \"");
  assert.deepEqual(added.scene, scene);
  assert.equal(await store.get("bob", "one"), undefined, "another's is not there");
  assert.equal(await store.delete("bob", "one"), false);

  for (const id of ["two", "three", "four"]) await store.add(simulation(id, "ann"));
  await store.add(simulation("other", "bob"));
  assert.equal(await store.count("ann"), 4);
  const all = (await store.list("ann", 10)).map((each) => each.id);
  assert.deepEqual(new Set(all), new Set(["one", "two", "three", "four"]));
  const [first = "", second] = all;
  assert.deepEqual(
    (await store.list("ann", 1, first)).map((each) => each.id),
    [second],
  );
  assert.deepEqual(await store.list("bob", 10, first), [], "nobody pages by another's simulation");
  await assert.rejects(store.add(simulation("one", "bob")), /duplicate key/);

  assert.equal(await store.delete("ann", "one"), true);
  assert.equal(await store.delete("ann", "one"), false);
  assert.equal(await store.count("ann"), 3);
}

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "simgen-database-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

test("the store on the embedded database, which keeps what it was given", async (t) => {
  const dataDir = await emptyDataDir();
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const first = await openDatabase({ url: undefined, dataDir });
  await contract(first.database);
  await first.close();
  const again = await openDatabase({ url: undefined, dataDir });
  assert.equal(await new SimulationStore(again.database).count("ann"), 3);
  await again.close();
});

test("the store on Postgres; servers that start together migrate once", async (t) => {
  const { url } = await startPostgres(t);
  const opened = await Promise.all([1, 2, 3].map(() => openDatabase({ url, dataDir: "unused" })));
  const [one] = opened;
  assert.ok(one);
  await contract(one.database);
  for (const each of opened) await each.close();
  const again = await openDatabase({ url, dataDir: "unused" });
  assert.equal(await new SimulationStore(again.database).count("ann"), 3);
  await again.close();
});

test("a server of an older version starts on the tables of a newer one (K3)", async (t) => {
  const { url } = await startPostgres(t);
  const dataDir = await emptyDataDir();
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  for (const where of [url, undefined]) {
    const newer = await openDatabase({ url: where, dataDir });
    await sql`insert into kysely_migration values ('999_of_tomorrow', now()::text)`.execute(newer.database);
    await newer.close();
    const older = await openDatabase({ url: where, dataDir });
    assert.equal(await new SimulationStore(older.database).count("ann"), 0);
    await older.close();
  }
});

test("a database that is frozen is given up, said to be down, and the connection is thrown away", async (t) => {
  const { url } = await startPostgres(t);
  const { database, close } = await openDatabase({ url, dataDir: "unused", statementMsMax: 300 });
  t.after(close);
  await assert.rejects(sql`select pg_sleep(5)`.execute(database), { code: "database_down" });
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(database);
  const [{ pid } = { pid: 0 }] = rows;
  assert.ok(pid > 0);
  process.kill(pid, "SIGSTOP");
  await assert
    .rejects(sql`select 1`.execute(database), { code: "database_down" })
    .finally(() => process.kill(pid, "SIGCONT"));
  const [again] = (await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(database)).rows;
  assert.notEqual(again?.pid, pid);
  await assert.rejects(sql`select nothing`.execute(database), /column "nothing" does not exist/);
});

test("a client of the database is its owner's lease: who forgets it is named, and it ends with its owner (R1, R3)", async (t) => {
  const { url } = await startPostgres(t);
  const limits = { ...DATABASE_CLIENTS["database client"], countMax: 1, queueMsMax: 60_000, leakMs: 50 };
  const resources = new Resources({ kinds: { "database client": limits }, traceOneIn: 1 });
  const { database, close } = await openDatabase({ url, dataDir: "unused", resources });
  t.after(close);
  const clients = () => resources.snapshot().kinds.find(({ kind }) => kind === "database client");
  const leaked = Promise.withResolvers<LeakReport>();
  resources.on("leak", leaked.resolve);
  const request = resources.scope("GET /forgetful");
  // Begun, and neither committed nor rolled back.
  const transaction = await owners.run(request, () => database.startTransaction().execute());
  await sql`create table half_done (x int)`.execute(transaction);
  const { owner, stack } = await leaked.promise;
  assert.equal(owner, "GET /forgetful");
  assert.match(stack ?? "", /database\.ts/);
  const waiting = sql`select 1`.execute(database);
  assert.equal(clients()?.leaked, 1);
  await request.close();
  await waiting;
  const { rows } = await sql`select 1 from pg_tables where tablename = 'half_done'`.execute(database);
  assert.deepEqual(rows, [], "the connection in the middle of a transaction was thrown away");
  assert.deepEqual([clients()?.inUse, clients()?.leaked, clients()?.leakedEver], [0, 0, 1]);
});

test("SimGen on Postgres says so in its health when the database is gone, and lives on", async (t) => {
  const postgres = await startPostgres(t);
  const server = await startServer(t, { DATABASE_URL: postgres.url });
  const visitor = new Visitor(server);
  const { id } = await visitor.create({ template: "pendulum" });
  assert.equal((await visitor.request("GET", `/api/v1/simulations/${id}`)).status, 200);
  await postgres.stop();
  const answer = await visitor.request("GET", "/api/v1/simulations");
  assert.equal(answer.status, 503);
  assert.equal(answer.body.code, "database_down");
  assert.equal(answer.headers.get("retry-after"), "5");
  assert.doesNotMatch(JSON.stringify(answer.body), /ECONN|127\.0\.0\.1|terminat/, "what broke is for the log only");
  for (const deadline = Date.now() + 20_000; (await visitor.request("GET", "/health")).status !== 503; )
    assert.ok(Date.now() < deadline);
  assert.equal((await visitor.request("GET", "/health/live")).status, 200);
  assert.equal(await server.stop(), 0);
});

test("a database that cannot be reached stops the start, and says why", async () => {
  await assert.rejects(
    openDatabase({ url: "postgres://nobody@127.0.0.1:1/none", dataDir: "unused" }),
    (error) => error instanceof DatabaseError && /ECONNREFUSED/.test(error.message),
  );
});

test("a data directory is one process's own; a lock left by a dead one is taken over", async (t) => {
  const dataDir = await folder(t);
  await writeFile(join(dataDir, "lock"), "1");
  await assert.rejects(openDatabase({ url: undefined, dataDir }), /in use by process 1/);
  await writeFile(join(dataDir, "lock"), "999999999");
  await writeFile(join(dataDir, "postgres"), "no directory");
  await assert.rejects(openDatabase({ url: undefined, dataDir }), /the embedded database in .* does not open/);
});
