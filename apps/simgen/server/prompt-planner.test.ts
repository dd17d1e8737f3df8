import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Pool, Trial } from "../sim/pool.ts";
import { PoolError } from "../sim/pool-error.ts";
import { parseScene, type Scene } from "../sim/scene.ts";
import { LlmPlanner } from "./llm/llm-planner.ts";
import { modelsOf } from "./llm/models.ts";
import { logged, MODELS, newPrompt, sceneText, vendorEnv } from "./llm/vendors.fixture.ts";
import { type Behaviour, LlmStub, type WireName } from "./llm-stub.fixture.ts";
import type { ProgressMessage } from "./messages.ts";
import { PromptPlanner } from "./prompt-planner.ts";
import { metric, type Server, startServer, type Talk, Visitor } from "./server.fixture.ts";

const DEADLINE_MS = 3000;
const FIRST_WORD_MS = 2000;
/** For what the deadline does not bound: the trial of what the rules make, on a busy machine. */
const SLACK_MS = 3000;
const PATH = "/api/v1/simulations";

const GOOD: Behaviour = { kind: "answer", text: sceneText() };
const WRONG: Behaviour = { kind: "status", status: 400 };
const DOWN: Behaviour = { kind: "status", status: 500 };
const SILENT: Behaviour = { kind: "silent" };
const PICTURE = {
  mediaType: "image/png",
  data: "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
};

describe("two language models, and rules behind them", () => {
  const ends: (() => Promise<void>)[] = [];
  let stub: LlmStub;
  let server: Server;
  before(async () => {
    const suite = { after: (end: () => Promise<void>) => void ends.push(end) };
    stub = await LlmStub.start(suite);
    server = await startServer(suite, {
      ...vendorEnv(stub, ["anthropic", "openai"]),
      LLM_DEADLINE_MS: String(DEADLINE_MS),
      LLM_FIRST_WORD_MS: String(FIRST_WORD_MS),
      LLM_IDLE_MS: String(FIRST_WORD_MS),
    });
    // The first trial waits for MuJoCo, and the first requests for all that they need.
    await new Visitor(server).create({ template: "pendulum" });
    play({ anthropic: WRONG, openai: GOOD });
    await new Visitor(server).create({ prompt: newPrompt() });
  });
  after(async () => {
    for (const end of ends.reverse()) await end();
  });
  beforeEach(() => {
    stub.requests.length = 0;
  });

  function play(script: Record<WireName, Behaviour>): void {
    stub.script = ({ wire }) => script[wire];
  }
  const asked = () => stub.requests.map(({ wire }) => wire);

  test("the first one is asked, and nobody else", async () => {
    play({ anthropic: GOOD, openai: GOOD });
    const made = await new Visitor(server).create({ prompt: newPrompt() });
    assert.deepEqual([made.planner, made.model, made.warnings], ["llm", MODELS.anthropic, []]);
    assert.deepEqual(asked(), ["anthropic"]);
  });

  for (const [failure, why] of [
    [DOWN, "answered with an error (500)"],
    [SILENT, "took too long"],
  ] as const)
    test(`the second answers when the first ${why}, and says so`, async () => {
      play({ anthropic: failure, openai: GOOD });
      const made = await new Visitor(server).create({ prompt: newPrompt() });
      assert.deepEqual([made.planner, made.model], ["llm", MODELS.openai]);
      assert.deepEqual(made.warnings, [`planned by ${MODELS.openai}: ${MODELS.anthropic} ${why}`]);
      assert.equal(asked().at(-1), "openai");
    });

  test("rules answer when both fail, and say why", async () => {
    play({ anthropic: WRONG, openai: { kind: "refusal", text: "no" } });
    const made = await new Visitor(server).create({ prompt: newPrompt() });
    assert.deepEqual([made.planner, made.model], ["rules", null]);
    const [anthropic, openai] = [`${MODELS.anthropic} answered with an error (400)`, `${MODELS.openai} would not`];
    assert.equal(made.warnings[0], `planned by rules: ${anthropic}; ${openai}: the model declined`);
  });

  test("the deadline is one for both", async () => {
    play({ anthropic: SILENT, openai: SILENT });
    const begunMs = performance.now();
    const made = await new Visitor(server).create({ prompt: newPrompt() });
    const tookMs = performance.now() - begunMs;
    assert.equal(
      made.warnings[0],
      `planned by rules: ${MODELS.anthropic} took too long; ${MODELS.openai} took too long`,
    );
    assert.ok(tookMs > DEADLINE_MS - 50 && tookMs < DEADLINE_MS + SLACK_MS, `it took ${Math.round(tookMs)} ms`);
    assert.deepEqual(asked(), ["anthropic", "openai"]);
    await Promise.all(stub.requests.map(({ ended }) => ended));
    assert.ok(stub.requests.every(({ aborted }) => aborted));
  });

  test("a caller who hangs up ends the work, and nothing is kept", async () => {
    const cancelled = `simgen_breaker_calls_total{breaker="llm:${MODELS.anthropic}",outcome="cancelled"}`;
    const before = await metric(server, cancelled);
    const begun = Promise.withResolvers<void>();
    stub.script = () => {
      begun.resolve();
      return { kind: "stall", text: sceneText(), afterChars: 40 };
    };
    const visitor = new Visitor(server);
    await visitor.request("GET", PATH);
    const hangUp = new AbortController();
    const answer = fetch(server.url + PATH, {
      method: "POST",
      headers: { ...visitor.headers, "content-type": "application/json" },
      body: JSON.stringify({ prompt: newPrompt() }),
      signal: hangUp.signal,
    });
    await begun.promise;
    hangUp.abort();
    await assert.rejects(answer, { name: "AbortError" });
    await stub.requests[0]?.ended;
    assert.equal(stub.requests[0]?.aborted, true);
    while ((await metric(server, cancelled)) === before) await sleep(10);
    assert.deepEqual(asked(), ["anthropic"], "nobody else is asked");
    assert.deepEqual((await visitor.request("GET", PATH)).body.simulations, []);
  });

  test("the same prompt is not sent twice; with a picture it is another", async () => {
    play({ anthropic: GOOD, openai: GOOD });
    const prompt = newPrompt();
    const visitor = new Visitor(server);
    const first = await visitor.create({ prompt });
    const again = await new Visitor(server).create({ prompt: `  ${prompt.replace(" ", "  ")} ` });
    assert.deepEqual(asked(), ["anthropic"]);
    assert.deepEqual([again.planner, again.model, again.scene], ["llm", MODELS.anthropic, first.scene]);
    assert.deepEqual(again.understood, [`planned by ${MODELS.anthropic}, for the same prompt before`]);
    await visitor.create({ prompt, picture: PICTURE });
    assert.deepEqual(asked(), ["anthropic", "anthropic"]);
  });

  test("a picture goes to the model, over either wire", async () => {
    play({ anthropic: WRONG, openai: GOOD });
    const made = await new Visitor(server).create({ prompt: newPrompt(), picture: PICTURE });
    assert.equal(made.model, MODELS.openai);
    const [anthropic, openai] = stub.requests.map(({ body }) => JSON.stringify(body.messages));
    const source = { type: "base64", media_type: PICTURE.mediaType, data: PICTURE.data };
    assert.ok(anthropic?.includes(JSON.stringify({ type: "image", source })), anthropic);
    const url = `data:${PICTURE.mediaType};base64,${PICTURE.data}`;
    assert.ok(openai?.includes(JSON.stringify({ type: "image_url", image_url: { url } })), openai);
  });

  for (const [field, picture] of [
    ["picture.data", { ...PICTURE, data: "no base64!" }],
    ["picture.data", { ...PICTURE, mediaType: "image/jpeg" }],
    ["picture.mediaType", { ...PICTURE, mediaType: "text/html" }],
  ] as const)
    test(`a wrong picture is told by its field: ${JSON.stringify(picture).slice(0, 60)}`, async () => {
      const answer = await new Visitor(server).request("POST", PATH, { prompt: newPrompt(), picture });
      assert.deepEqual([answer.status, answer.body.code], [400, "request_invalid"]);
      assert.ok(answer.body.detail.startsWith(`${field}: expected `), answer.body.detail);
    });

  describe("progress", () => {
    const progress = (talk: Talk) =>
      talk.messages.filter((message): message is ProgressMessage => message.type === "progress");
    const stages = (talk: Talk) =>
      progress(talk)
        .map(({ stage }) => stage)
        .filter((stage, index, all) => stage !== all[index - 1]);
    async function withSession() {
      const visitor = new Visitor(server);
      await visitor.request("GET", PATH);
      const talk = await visitor.connect();
      return { visitor, talk, session: talk.session.id ?? assert.fail() };
    }

    test("a session is told how its answer grows, a few times a second", async () => {
      const { visitor, talk, session } = await withSession();
      const text = sceneText();
      const chunkChars = Math.ceil(text.length / 100);
      play({ anthropic: { kind: "answer", text, chunkChars, chunkMs: 10 }, openai: GOOD });
      await visitor.create({ prompt: newPrompt(), session });
      await talk.message("progress", ({ stage }) => stage === "running");
      assert.deepEqual(stages(talk), ["planning", "validating", "compiling", "running"]);
      assert.ok(progress(talk).every(({ planner }) => planner === MODELS.anthropic));
      const chars = progress(talk).flatMap((message) => message.chars ?? []);
      assert.equal(chars[0], 0, "it begins when the model is asked");
      assert.deepEqual(
        chars,
        [...new Set(chars)].sort((a, b) => a - b),
      );
      assert.ok(chars.length >= 3, "about a second of words");
      assert.ok(chars.length <= 20, `100 words are no ${chars.length} messages`);
    });

    test("and that it is mended, or made by the next", async () => {
      const { visitor, talk, session } = await withSession();
      stub.script = ({ wire }, index) =>
        wire === "openai" ? WRONG : index === 0 ? { kind: "answer", text: "{" } : GOOD;
      await visitor.create({ prompt: newPrompt(), session });
      await talk.message("progress", ({ stage }) => stage === "running");
      assert.deepEqual(stages(talk), [
        ...["planning", "validating", "repairing"],
        ...["planning", "validating", "compiling", "running"],
      ]);

      const from = talk.messages.length;
      play({ anthropic: WRONG, openai: WRONG });
      await visitor.create({ prompt: newPrompt(), session });
      await talk.message("progress", ({ stage }) => stage === "running", from);
      assert.deepEqual(
        progress(talk)
          .slice(from)
          .map(({ stage, planner }) => [stage, planner]),
        [
          ["planning", MODELS.anthropic],
          ["planning", MODELS.openai],
          ["planning", "rules"],
          ["compiling", "rules"],
          ["running", "rules"],
        ],
      );
    });

    test("another's session is told nothing, and one that is none does no harm", async () => {
      play({ anthropic: GOOD, openai: GOOD });
      const { talk, session } = await withSession();
      const stranger = new Visitor(server);
      for (const named of [session, "nobody's", "{}:*"]) await stranger.create({ prompt: newPrompt(), session: named });
      talk.send({ type: "ping", at: 1 });
      await talk.message("pong");
      assert.deepEqual(progress(talk), []);
    });
  });

  test("while a breaker is open nobody is asked and rules answer; one probe finds the models well again", async () => {
    play({ anthropic: DOWN, openai: DOWN });
    const visitor = new Visitor(server);
    const opened = `simgen_breaker_state{breaker="llm:${MODELS.anthropic}",state="open"}`;
    const alsoOpened = `simgen_breaker_state{breaker="llm:${MODELS.openai}",state="open"}`;
    while ((await metric(server, opened)) + (await metric(server, alsoOpened)) < 2)
      assert.equal((await visitor.create({ prompt: newPrompt() })).planner, "rules");

    stub.requests.length = 0;
    const made = await visitor.create({ prompt: newPrompt() });
    assert.equal(
      made.warnings[0],
      `planned by rules: ${MODELS.anthropic} is out of order; ${MODELS.openai} is out of order`,
    );
    assert.deepEqual(asked(), []);
    assert.ok(
      (await metric(server, `simgen_breaker_calls_total{breaker="llm:${MODELS.anthropic}",outcome="rejectedOpen"}`)) >
        0,
    );
    assert.equal(logged(server, "a breaker has changed").length, 2, "it is logged once");
    const health = () => visitor.request("GET", "/health");
    while ((await health()).body.status !== "degraded") await sleep(50);
    assert.equal((await health()).status, 200, "rules stand in: it is no reason to take this server out");

    // Each has one probe under way at most, however many ask.
    let underWay = 0;
    let most = 0;
    stub.script = ({ ended, wire }) => {
      if (wire === "openai") return WRONG;
      most = Math.max(most, ++underWay);
      void ended.then(() => underWay--);
      return { kind: "answer", text: sceneText(), firstTokenMs: 300 };
    };
    for (let planners: string[] = []; !planners.includes("llm"); await sleep(50)) {
      // Each round by another: nobody may have as many simulations as it may take.
      const asking = new Visitor(server);
      const all = await Promise.all(Array.from({ length: 5 }, () => asking.create({ prompt: newPrompt() })));
      planners = all.map(({ planner }) => planner);
    }
    assert.equal(most, 1);
    assert.equal(asked().filter((wire) => wire === "anthropic").length, 1, "the first probe found it well");
    play({ anthropic: GOOD, openai: GOOD });
    const recovered = await visitor.create({ prompt: newPrompt() });
    assert.deepEqual([recovered.model, recovered.warnings], [MODELS.anthropic, []]);
  });
});

test("a plan from before that does not run any more is made again", async (t) => {
  const stub = await LlmStub.start(t);
  stub.script = () => ({ kind: "answer", text: sceneText("new") });
  const pool = {
    async try({ name }: Scene): Promise<Trial> {
      if (name === "old") throw new PoolError("scene_uncompilable", "MuJoCo has changed");
      return { frameMs: 1, speed: 1 };
    },
  };
  const kept: string[] = [];
  const planner = new PromptPlanner({
    llms: [await llmOf(stub, pool)],
    cache: {
      get: async () => parseScene(JSON.parse(sceneText("old"))),
      put: async (_, { name }) => void kept.push(name),
    },
    deadlineMs: 20_000,
    onError: assert.ifError,
  });
  const planned = await planner.plan("a ball", undefined, new AbortController().signal, () => {});
  assert.deepEqual([planned.scene.name, planned.planner, kept], ["new", "llm", ["new"]]);
});

test("without a language model a picture is not looked at, and that is told", async () => {
  const cache = { get: () => assert.fail(), put: () => assert.fail() };
  const planner = new PromptPlanner({ llms: [], cache, deadlineMs: DEADLINE_MS, onError: assert.ifError });
  const picture = { mediaType: "image/png", data: PICTURE.data } as const;
  const planned = await planner.plan("a pendulum", picture, new AbortController().signal, () => {});
  assert.deepEqual(planned.warnings, ["the picture was not looked at: that takes a language model"]);
  assert.equal(planned.planner, "rules");
});

test("without its cache a model is asked all the same", async (t) => {
  const stub = await LlmStub.start(t);
  stub.script = () => ({ kind: "answer", text: sceneText() });
  const broken = () => Promise.reject(new Error("the database is away"));
  const errors: string[] = [];
  const planner = new PromptPlanner({
    llms: [await llmOf(stub, { try: async () => ({ frameMs: 1, speed: 1 }) })],
    cache: { get: broken, put: broken },
    deadlineMs: 20_000,
    onError: (_, what) => errors.push(what),
  });
  const planned = await planner.plan("a ball", undefined, new AbortController().signal, () => {});
  assert.equal(planned.planner, "llm");
  assert.deepEqual(errors, ["the cache of plans failed", "the cache of plans failed"]);
});

async function llmOf(stub: LlmStub, pool: Pick<Pool, "try">): Promise<LlmPlanner> {
  const anthropic = { apiKey: "k", baseUrl: stub.url, model: "claude-stub" };
  const [model] = await modelsOf({ anthropic, compatible: undefined });
  assert.ok(model);
  return new LlmPlanner(model, pool, { firstItemMs: 10_000, idleMs: 10_000, answerMs: 10_000 }, undefined);
}
