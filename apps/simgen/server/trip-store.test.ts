import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { logged, MODELS, newPrompt, sceneText, vendorEnv } from "./llm/vendors.fixture.ts";
import { type Behaviour, LlmStub, type WireName } from "./llm-stub.fixture.ts";
import { type Redis, startRedis } from "./redis.fixture.ts";
import { type Server, startServer, Visitor } from "./server.fixture.ts";
import { RedisTrips } from "./trip-store.ts";

/** How old what a server knows of the others may be (see the breaker's shared trips). */
const CACHE_MS = 1000;
const SLACK_MS = 1500;
const GOOD: Behaviour = { kind: "answer", text: sceneText() };
const DOWN: Behaviour = { kind: "status", status: 500 };

test("a trip is known to every server until its time is over, and forgotten then", async (t) => {
  const redis = await startRedis(t);
  const [one, other] = [new RedisTrips(redis.url), new RedisTrips(redis.url)];
  t.after(async () => {
    one.close();
    other.close();
  });
  await untilFine(() => one.read("a"));
  await untilFine(() => other.read("a"));
  assert.equal(await other.read("a"), 0);
  await one.write("a", 299.5);
  const leftMs = await other.read("a");
  assert.ok(leftMs > 0 && leftMs <= 300, `${leftMs} ms`);
  assert.equal(await other.read("b"), 0, "each circuit has its own");
  while ((await other.read("a")) > 0) await sleep(10);

  await redis.kill();
  await assert.rejects(other.read("a"));
  await assert.rejects(one.write("a", 300));
  await redis.start();
  await untilFine(() => one.write("a", 60_000));
  await untilFine(() => other.read("a"));
  assert.ok((await other.read("a")) > 50_000, "they find Redis again");
});

describe("two servers, each with vendors of its own of the same name", () => {
  const ends: (() => Promise<void>)[] = [];
  let redis: Redis;
  let one: Side;
  let other: Side;
  before(async () => {
    const suite = { after: (end: () => Promise<void>) => void ends.push(end) };
    redis = await startRedis(suite);
    [one, other] = await Promise.all([startSide(suite, redis), startSide(suite, redis)]);
  });
  after(async () => {
    for (const end of ends.reverse()) await end();
  });

  test("an outage that one has met is known to the other a second later (B6)", async () => {
    assert.equal(await other.ask(GOOD, GOOD), MODELS.anthropic, "it has just looked, and found nothing");
    while (one.opened("anthropic") === undefined) await one.ask(DOWN, GOOD);
    const openedMs = performance.now();
    while (other.opened("anthropic") === undefined) await other.ask(GOOD, GOOD);
    const tookMs = performance.now() - openedMs;
    assert.ok(tookMs < CACHE_MS + SLACK_MS, `it took ${Math.round(tookMs)} ms`);
    assert.equal(one.opened("anthropic")?.reason, "consecutive_failures");
    assert.equal(other.opened("anthropic")?.reason, "shared");

    const seen = other.count("anthropic");
    assert.equal(await other.ask(GOOD, GOOD), MODELS.openai);
    assert.equal(other.count("anthropic"), seen, "it is left alone");
  });

  test("without Redis each goes by what it sees itself, and ends as it should", async () => {
    await redis.kill();
    while (one.opened("openai") === undefined) await one.ask(DOWN, DOWN);
    for (let i = 0; i < 3; i++) assert.equal(await other.ask({ kind: "status", status: 400 }, GOOD), MODELS.openai);
    assert.equal(other.opened("openai"), undefined);
    assert.deepEqual(await Promise.all([one.server.stop(), other.server.stop()]), [0, 0]);
  });
});

interface Side {
  server: Server;
  /** Has a scene made, with vendors that do so; resolves with the model that made it. */
  ask(anthropic: Behaviour, openai: Behaviour): Promise<string | null>;
  /** The requests a vendor has had. */
  count(wire: WireName): number;
  /** What the server has logged when the breaker of that model opened. */
  opened(wire: WireName): Record<string, unknown> | undefined;
}

async function startSide(suite: { after(end: () => Promise<void>): void }, redis: Redis): Promise<Side> {
  const stub = await LlmStub.start(suite);
  const server = await startServer(suite, { ...vendorEnv(stub, ["anthropic", "openai"]), REDIS_URL: redis.url });
  const visitor = new Visitor(server);
  return {
    server,
    async ask(anthropic, openai) {
      stub.script = ({ wire }) => ({ anthropic, openai })[wire];
      return (await visitor.create({ prompt: newPrompt() })).model;
    },
    count: (wire) => stub.requests.filter((request) => request.wire === wire).length,
    opened: (wire) =>
      logged(server, "a breaker has changed").find(
        ({ breaker, to }) => breaker === `llm:${MODELS[wire]}` && to === "open",
      ),
  };
}

/** Until Redis is in reach. */
async function untilFine(command: () => Promise<unknown>): Promise<void> {
  while (
    await command().then(
      () => false,
      () => true,
    )
  )
    await sleep(10);
}
