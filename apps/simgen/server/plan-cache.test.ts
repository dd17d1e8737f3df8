import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { sql } from "kysely";
import { template } from "../sim/scenes.fixture.ts";
import { type OpenDatabase, openDatabase } from "./database.ts";
import { PlanCache, type PlanKey } from "./plan-cache.ts";
import { startPostgres } from "./postgres.fixture.ts";
import { emptyDataDir } from "./server.fixture.ts";

const SCENE = template("pendulum");
const PICTURE = { mediaType: "image/png", data: "iVBORw0KGgo=" } as const;
const KEY: PlanKey = { model: "anthropic/claude-stub", prompt: "a pendulum of 2 m", picture: undefined };

const DATABASES: Record<string, (t: { after(end: () => Promise<void>): unknown }) => Promise<OpenDatabase>> = {
  "the embedded Postgres": async (t) => {
    const dataDir = await emptyDataDir();
    t.after(() => rm(dataDir, { recursive: true, force: true }));
    return openDatabase({ url: undefined, dataDir });
  },
  "a real Postgres": async (t) => openDatabase({ url: (await startPostgres(t)).url, dataDir: "" }),
};

for (const [name, open] of Object.entries(DATABASES))
  describe(`plans that models made before, in ${name}`, () => {
    const ends: (() => Promise<void>)[] = [];
    let opened: OpenDatabase;
    let cache: PlanCache;
    before(async () => {
      opened = await open({ after: (end) => void ends.push(end) });
      ends.push(() => opened.close());
      cache = new PlanCache(opened.database);
    });
    after(async () => {
      for (const end of ends.reverse()) await end();
    });
    const rows = async () => {
      const { count } = await opened.database
        .selectFrom("plans")
        .select(({ fn }) => fn.countAll<string | number>().as("count"))
        .executeTakeFirstOrThrow();
      return Number(count);
    };
    const age = (days: number) =>
      sql`update plans set created_at = now() - make_interval(days => ${sql.lit(days)})`.execute(opened.database);

    test("the same prompt, whatever its spaces, is the same plan", async () => {
      assert.equal(await cache.get(KEY), undefined);
      await cache.put(KEY, SCENE);
      assert.deepEqual(await cache.get(KEY), SCENE);
      assert.deepEqual(await cache.get({ ...KEY, prompt: "  a pendulum\n of  2 m " }), SCENE);
    });

    test("another prompt, model or picture is not", async () => {
      for (const other of [
        { prompt: "a pendulum of 3 m" },
        { prompt: "a pendulum of 2 M" },
        { model: "127.0.0.1/llama-stub" },
        { picture: PICTURE },
      ])
        assert.equal(await cache.get({ ...KEY, ...other }), undefined, JSON.stringify(other));
      await cache.put({ ...KEY, picture: PICTURE }, template("seesaw"));
      assert.deepEqual(await cache.get({ ...KEY, picture: PICTURE }), template("seesaw"));
      assert.deepEqual(await cache.get(KEY), SCENE);
    });

    test("a scene of another version is ignored, and replaced by the next", async () => {
      await sql`update plans set scene = '{"name": "old", "parts": []}'`.execute(opened.database);
      assert.equal(await cache.get(KEY), undefined);
      await cache.put(KEY, SCENE);
      assert.deepEqual(await cache.get(KEY), SCENE);
    });

    test("one of 30 days is ignored, and dropped when the next is kept", async () => {
      await age(29);
      assert.deepEqual(await cache.get(KEY), SCENE);
      await age(30);
      assert.equal(await cache.get(KEY), undefined);
      await cache.put({ ...KEY, prompt: "a new one" }, SCENE);
      assert.equal(await rows(), 1);
      await age(30);
      await cache.put({ ...KEY, prompt: "a new one" }, SCENE);
      assert.deepEqual(await cache.get({ ...KEY, prompt: "a new one" }), SCENE, "one that is made again is new");
    });

    test("the 10,000 newest are kept", async () => {
      await sql`insert into plans (key, model, scene, created_at)
        select 'filler' || n, 'm', '{}', now() - make_interval(secs => n) from generate_series(1, 10050) n`.execute(
        opened.database,
      );
      await cache.put(KEY, SCENE);
      assert.equal(await rows(), 10_000);
      assert.deepEqual(await cache.get(KEY), SCENE);
      const { rows: kept } = await sql<{ key: string }>`select key from plans order by created_at limit 1`.execute(
        opened.database,
      );
      assert.equal(kept[0]?.key, "filler9998", "the oldest went");
    });
  });
