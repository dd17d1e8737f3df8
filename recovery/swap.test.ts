/** The swap of restore.sh (D3): a short outage, and whatever ends it, the live database is as it was or the restored one. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { kill, type Recovery, shared, startRecovery, stepsOf, until } from "./recovery.fixture.ts";

const OUTAGE_MS_MAX = 5000;
const file = shared();
let recovery: Recovery;

before(async () => {
  recovery = await startRecovery(file);
});

/** What is in it, to the bit. */
const all = () => recovery.query("select md5(string_agg(s::text, ',' order by id)) from simulations as s");
const databases = async () =>
  (await recovery.query("select datname from pg_database where datname ~ 'simgen' order by 1", "postgres")).map(
    ([name]) => String(name),
  );
const dropOld = async () => {
  for (const database of await databases())
    if (database.includes("_before_")) await recovery.query(`drop database ${database}`, "postgres");
};

test("D3: the outage of a swap is short, and what is written is in the old one or the new one", async (t) => {
  await recovery.query("create table if not exists written (n int primary key)");
  const before = await recovery.backup();
  let [acknowledged, longestMs, last, ends] = [0, 0, performance.now(), false];
  const writer = (async () => {
    for (let n = 1; !ends; n++)
      try {
        await recovery.query(`insert into written values (${n})`);
        longestMs = Math.max(longestMs, performance.now() - last);
        last = performance.now();
        acknowledged++;
      } catch {
        await sleep(5);
      }
  })();
  await until(() => acknowledged > 20, "writes");
  const { code, stdout } = await recovery.run("restore", [before, "--yes"]);
  const swapped = acknowledged;
  await until(() => acknowledged > swapped + 20, "writes after it");
  ends = true;
  await writer;
  assert.equal(code, 0);
  const { old } = JSON.parse(stdout);
  const [[inOld], [inNew]] = [
    (await recovery.query("select count(*)::int from written", old))[0] ?? [],
    (await recovery.query("select count(*)::int from written"))[0] ?? [],
  ];
  // One that was ended after it was done, and before it could say so, is there without having been acknowledged.
  const rows = Number(inOld) + Number(inNew);
  assert.ok(rows >= acknowledged && rows <= acknowledged + 2, `${inOld} + ${inNew} rows, ${acknowledged} acknowledged`);
  assert.ok(longestMs < OUTAGE_MS_MAX, `${longestMs} ms`);
  t.diagnostic(`outage at the swap: ${Math.round(longestMs)} ms`);
  await recovery.query("drop table written");
});

test("D3: killed while it swaps, it throws nobody out any more", async () => {
  const name = await recovery.backup();
  const steps = stepsOf(recovery, ["psql"]);
  const script = recovery.start("restore", [name, "--yes"], steps.environment("begin; alter database"));
  await until(() => steps.reached() !== undefined, "the swap");
  await assert.rejects(recovery.query("select pg_sleep(2)"), { code: "57P01" }, "as long as it lives, it does");
  kill(script, "SIGKILL");
  await script.ended;
  await until(
    async () => (await recovery.query("select pg_sleep(0.5)").catch(() => undefined)) !== undefined,
    "an answer",
    2000,
  );
  assert.deepEqual(await recovery.query("select 1 from pg_sleep(1)"), [[1]]);
  steps.goOn();
  assert.equal((await recovery.run("retention", ["--dry-run", "--wait", "20"])).code, 0);
  await dropOld();
});

test("D3: ended at any step, the live database is as it was, or the restored one; the next restore works", async (t) => {
  await dropOld();
  await recovery.backup();
  const contents = await all();
  await recovery.query("delete from simulations where id = 'sim-7'");
  const damaged = await all();
  const steps = stepsOf(recovery, ["psql", "pg_restore"]);
  let swaps = 0;
  let number = 1;
  for (; ; number++) {
    const script = recovery.start("restore", ["latest", "--yes"], steps.environment(number));
    await until(() => steps.reached() !== undefined || script.child.exitCode !== null, "the step, or the end");
    const step = steps.reached();
    if (step === undefined) {
      assert.equal((await script.ended).code, 0);
      break;
    }
    const isTold = number % 3 === 0;
    kill(script, isTold ? "SIGTERM" : "SIGKILL", number % 3 === 1);
    steps.goOn();
    const { code, said } = await script.ended;
    // Nobody ends those who work with it any more, and whoever went on alone has ended: the lock is free.
    assert.equal((await recovery.run("retention", ["--dry-run", "--wait", "20"])).code, 0);
    const now = await all();
    const isSwapped = (await databases()).some((database) => database.includes("_before_"));
    assert.deepEqual(now, isSwapped ? contents : damaged, step);
    if (isTold) {
      const state = isSwapped ? "the restored one already" : "as it was";
      // Told at the very end, it is done.
      if (code === 0) assert.ok(isSwapped, step);
      else if (said.length > 2) assert.equal(said.at(-1), `interrupted: the live database is ${state}`, step);
      assert.ok(!(await databases()).includes("simgen_restoring"), step);
    }
    if (isSwapped) {
      swaps++;
      await dropOld();
      await recovery.query("delete from simulations where id = 'sim-7'");
    }
  }
  assert.ok(number > 15 && swaps >= 1 && swaps <= 4, `${number} steps, ${swaps} swaps`);
  assert.deepEqual(await all(), contents);
  assert.equal((await databases()).length, 2);
  t.diagnostic(`ended before each of ${number - 1} commands; ${swaps} were swapped by then`);
});
