import assert from "node:assert/strict";
import { after, before, describe, type TestContext, test } from "node:test";
import { explosive } from "../../sim/scenes.fixture.ts";
import { type Behaviour, LlmStub, type StubRequest } from "../llm-stub.fixture.ts";
import { type Answer, type Server, startServer, Visitor } from "../server.fixture.ts";
import { ANSWER_CHARS_MAX, BadAnswer } from "./answer.ts";
import { LlmPlanner, type PlanStep } from "./llm-planner.ts";
import { modelsOf } from "./models.ts";
import { API_KEY, logged, MODELS, newPrompt, sceneText, vendorEnv } from "./vendors.fixture.ts";

const WIRES = ["anthropic", "openai"] as const;
const DEADLINE_MS = 8000;
const FIRST_WORD_MS = 2000;
const IDLE_MS = 2000;
/** For what the deadline does not bound: the trial of what the rules make, on a busy machine. */
const SLACK_MS = 3000;

const SCENE = sceneText();
const SCHEMA_VIOLATION = SCENE.replace('"size":[0.1]', '"size":[-0.1]');
/** Too light for MuJoCo. */
const DUST = JSON.stringify({
  name: "dust",
  bodies: [
    {
      id: "dust",
      pos: [0, 0, 1],
      joints: [{ id: "dust", type: "free" }],
      geoms: [{ type: "sphere", size: [0.0005], density: 0.01 }],
    },
  ],
});
const NONSENSE: Behaviour = { kind: "answer", text: "nonsense ".repeat(120_000), chunkChars: 4096, chunkMs: 1 };
const ENDLESS: Behaviour = { kind: "answer", text: "nonsense ".repeat(7_000_000), chunkChars: 4096 };

const says = (text: string): Behaviour => ({ kind: "answer", text });

interface Case {
  what: string;
  /** The requests it takes, each with what the vendor does. */
  script: Behaviour[];
  /** Why rules made the plan, after the model's name; without, the model made it. */
  why?: RegExp;
  /** The rest that holds. */
  also?(seen: { requests: StubRequest[]; answer: Answer; server: Server }): unknown;
}

const CASES: Case[] = [
  { what: "a good answer", script: [says(SCENE)] },
  { what: "one in a code fence", script: [says(`\`\`\`json\n${SCENE}\n\`\`\``)] },
  { what: "one with prose around", script: [says(`Here is your scene:\n\n${SCENE}\n\nHave fun!`)] },
  {
    what: "a slow first token",
    script: [{ kind: "answer", text: SCENE, firstTokenMs: 60_000 }],
    why: /took too long/,
    also: ({ requests }) => assert.equal(requests[0]?.aborted, true, "it does not go on behind our back"),
  },
  { what: "no answer at all", script: [{ kind: "silent" }], why: /took too long/ },
  {
    what: "a stall in mid-stream",
    script: [{ kind: "stall", text: SCENE, afterChars: 40 }],
    why: /took too long/,
    also: ({ requests }) => assert.equal(requests[0]?.aborted, true),
  },
  {
    what: "a connection cut in mid-stream",
    script: [{ kind: "cut", text: SCENE, afterChars: 40 }],
    why: /broke off its answer/,
  },
  {
    what: "an error in mid-stream",
    script: [{ kind: "mid-stream-error", text: SCENE.slice(0, 40) }],
    why: /broke off its answer/,
  },
  {
    what: "a page for people, tried again",
    script: Array<Behaviour>(3).fill({ kind: "not-http-json" }),
    why: /broke off its answer/,
  },
  {
    what: "refused connections, tried again",
    script: Array<Behaviour>(3).fill({ kind: "refuse-connection" }),
    why: /could not be reached/,
  },
  { what: "a refused connection, and then not", script: [{ kind: "refuse-connection" }, says(SCENE)] },
  { what: "400", script: [{ kind: "status", status: 400 }], why: /answered with an error \(400\)/ },
  {
    what: "401, of a vendor who repeats the key",
    script: [
      {
        kind: "status",
        status: 401,
        body: JSON.stringify({
          type: "error",
          error: { type: "authentication_error", message: `wrong key: ${API_KEY}` },
        }),
      },
    ],
    why: /answered with an error \(401\)/,
    also: ({ server }) => assertAttention(server, 401),
  },
  {
    what: "404",
    script: [{ kind: "status", status: 404 }],
    why: /answered with an error \(404\)/,
    also: ({ server }) => assertAttention(server, 404),
  },
  {
    what: "429 with a Retry-After that is none",
    script: Array<Behaviour>(3).fill({ kind: "status", status: 429, retryAfter: "garbage" }),
    why: /answered with an error \(429\)/,
  },
  {
    what: "500, tried again",
    script: Array<Behaviour>(3).fill({ kind: "status", status: 500 }),
    why: /answered with an error \(500\)/,
  },
  {
    what: "529, and then not",
    script: [{ kind: "status", status: 529 }, { kind: "status", status: 529 }, says(SCENE)],
  },
  {
    what: "invalid JSON twice",
    script: [says(`${SCENE.slice(0, -2)}}}`), says("{")],
    why: /gave no scene that runs/,
    also: ({ requests }) => assertToldOf(requests, /expected JSON/),
  },
  {
    what: "a schema violation that is mended",
    script: [says(SCHEMA_VIOLATION), says(SCENE)],
    also: ({ requests }) => assertToldOf(requests, /bodies\[1\]\.geoms\[0\]\.size\[0\]: expected at least/),
  },
  {
    what: "a schema violation twice",
    script: [says(SCHEMA_VIOLATION), says(SCHEMA_VIOLATION)],
    why: /gave no scene that runs/,
  },
  {
    what: "1 MB of nonsense, twice",
    script: [NONSENSE, NONSENSE],
    why: /gave no scene that runs/,
    also: ({ requests }) => {
      assert.deepEqual(
        requests.map(({ aborted }) => aborted),
        [true, true],
        "the rest is not waited for",
      );
      assert.ok(JSON.stringify(requests[1]?.body).length < 100_000, "nor sent back");
    },
  },
  {
    what: "a refusal",
    script: [{ kind: "refusal", text: "I would rather not." }],
    why: /would not: the model declined/,
  },
  {
    what: "a filter",
    script: [{ kind: "content-filter", text: SCENE.slice(0, 20) }],
    why: /would not: the model declined/,
  },
  {
    what: "a model that cannot",
    script: [says('{"cannot": "a poem does not move"}')],
    why: /would not: a poem does not move/,
  },
  {
    what: "an answer cut off for its length, and then a shorter one",
    script: [{ kind: "max-tokens", text: SCENE.slice(0, 60) }, says(SCENE)],
    also: ({ requests }) => {
      assertToldOf(requests, /cut off for its length/);
      assert.match(JSON.stringify(requests[1]?.body.messages), /Ball of a model/, "it sees what it has said");
    },
  },
  {
    what: "a scene that does not compile, and then one that does",
    script: [says(DUST), says(SCENE)],
    also: ({ requests }) => assertToldOf(requests, /scene_uncompilable/),
  },
  {
    what: "scenes that explode in their first second",
    script: [says(JSON.stringify(explosive)), says(JSON.stringify(explosive))],
    why: /gave no scene that runs/,
    also: ({ requests }) => assertToldOf(requests, /scene_unstable/),
  },
  {
    what: "XML",
    script: [says("<mujoco><worldbody/></mujoco>"), says(`{"xml": "<mujoco/>"}`)],
    why: /gave no scene that runs/,
  },
];

/** A language model on a bad day costs its deadline at most, and its user gets a simulation all the same. */
describe("from a prompt to what its user sees", { concurrency: true }, () => {
  for (const wire of WIRES)
    describe(`over the wire of ${wire}`, { concurrency: false }, () => {
      const ends: (() => Promise<void>)[] = [];
      let stub: LlmStub;
      let server: Server;
      before(async () => {
        const suite = { after: (end: () => Promise<void>) => void ends.push(end) };
        stub = await LlmStub.start(suite);
        server = await startServer(suite, {
          ...vendorEnv(stub, [wire]),
          LLM_DEADLINE_MS: String(DEADLINE_MS),
          LLM_FIRST_WORD_MS: String(FIRST_WORD_MS),
          LLM_IDLE_MS: String(IDLE_MS),
        });
        // The first trial waits for MuJoCo, and the first request for all that it needs.
        await new Visitor(server).create({ template: "pendulum" });
        await ask([says(SCENE)]);
      });
      after(async () => {
        for (const end of ends.reverse()) await end();
      });

      async function ask(script: Behaviour[], prompt = newPrompt()) {
        const from = stub.requests.length;
        stub.script = (_, index) => script[index - from] ?? { kind: "status", status: 400 };
        const begunMs = performance.now();
        const answer = await new Visitor(server).request("POST", "/api/v1/simulations", { prompt });
        const tookMs = performance.now() - begunMs;
        const requests = stub.requests.slice(from);
        await Promise.all(requests.map(({ ended }) => ended));
        return { answer, requests, tookMs };
      }

      /** So that failures of one test do not open the breaker in the next. */
      async function heal(failuresMax: number) {
        for (let i = 0; i < failuresMax; i++) {
          const { answer } = await ask([says(SCENE)]);
          assert.equal(answer.body.planner, "llm", JSON.stringify(answer.body.warnings));
        }
      }

      for (const { what, script, why, also } of CASES)
        test(what, async () => {
          const { answer, requests, tookMs } = await ask(script);
          const { planner, model, warnings, name } = answer.body;
          assert.equal(answer.status, 201, answer.text);
          if (why) {
            assert.deepEqual([planner, model], ["rules", null]);
            assert.ok(warnings[0]?.startsWith(`planned by rules: ${MODELS[wire]} `), warnings[0]);
            assert.match(warnings[0] ?? "", why);
          } else assert.deepEqual([planner, model, name, warnings], ["llm", MODELS[wire], "Ball of a model", []]);
          assert.equal(requests.length, script.length);
          for (const request of requests) {
            assert.equal(request.wire, wire);
            const { "x-api-key": key, authorization } = request.headers;
            assert.equal(key ?? authorization?.replace("Bearer ", ""), API_KEY);
          }
          assert.ok(tookMs < DEADLINE_MS + SLACK_MS, `it took ${Math.round(tookMs)} ms`);
          assert.ok(!answer.text.includes("hush"), "the key stays here");
          await also?.({ requests, answer, server });
          await heal(requests.length);
        });

      for (const [script, reason] of [
        [[{ kind: "status", status: 400 }], /answered with an error \(400\)/],
        [[says('{"cannot": "a poem does not move"}')], /would not: a poem does not move/],
      ] as [Behaviour[], RegExp][])
        test(`a prompt that rules do not understand either is told why: ${reason.source}`, async () => {
          const { answer } = await ask(script, "qwertyuiop zxcvb");
          assert.deepEqual([answer.status, answer.body.code], [422, "prompt_not_understood"]);
          assert.match(answer.body.detail, reason);
          assert.ok(answer.body.suggestions.length > 0);
        });

      test("the log has neither keys nor prompts", () => {
        const said = server.output();
        assert.ok(logged(server, `${MODELS[wire]} made no plan`).length > 10);
        assert.doesNotMatch(said, /hush/);
        assert.doesNotMatch(said, /a pendulum of|JSON schema|nonsense nonsense/);
      });
    });
});

async function plannerAlone(t: TestContext, wire: (typeof WIRES)[number], answerMs: number) {
  const stub = await LlmStub.start(t);
  const vendor = { apiKey: API_KEY, baseUrl: stub.url, model: "m" };
  const [model] = await modelsOf({
    anthropic: wire === "anthropic" ? vendor : undefined,
    compatible: wire === "openai" ? vendor : undefined,
  });
  assert.ok(model);
  const limits = { firstItemMs: 60_000, idleMs: 60_000, answerMs };
  const planner = new LlmPlanner(model, { try: () => assert.fail("there is no scene") }, limits, undefined);
  return { stub, planner };
}

test("an answer that drips is given up, and counts against its model", async (t) => {
  const { stub, planner } = await plannerAlone(t, "anthropic", 500);
  stub.script = () => ({ kind: "answer", text: SCENE, chunkChars: 1, chunkMs: 100 });
  const given = planner.plan("a ball", undefined, new AbortController().signal, () => {});
  await assert.rejects(given, { name: "BreakerError", code: "call_timeout" });
  await stub.requests[0]?.ended;
  assert.deepEqual([stub.requests.length, stub.requests[0]?.aborted], [1, true]);
  assert.equal(planner.breaker.snapshot().recent.failures, 1);
});

for (const wire of WIRES)
  test(`an answer without an end is read no further than one may be long, over the wire of ${wire}`, async (t) => {
    const { stub, planner } = await plannerAlone(t, wire, 60_000);
    stub.script = () => ENDLESS;
    let most = 0;
    const tell = (step: PlanStep) => {
      if (step.stage === "planning") most = Math.max(most, step.chars);
    };
    await assert.rejects(planner.plan("a ball", undefined, new AbortController().signal, tell), BadAnswer);
    assert.ok(most > 0 && most <= ANSWER_CHARS_MAX, `${most} characters`);
    await Promise.all(stub.requests.map(({ ended }) => ended));
    assert.deepEqual(
      stub.requests.map(({ aborted }) => aborted),
      [true, true],
    );
  });

describe("429: the vendor says when to come back", { concurrency: true }, () => {
  for (const [what, retryAfter, least, most] of [
    ["in seconds", () => "20", 20_000, 20_000],
    ["by a date", () => new Date(Date.now() + 30_000).toUTCString(), 20_000, 30_000],
    ["and is absurd", () => "31536000", 600_000, 600_000],
  ] as const)
    test(what, async (t) => {
      const stub = await LlmStub.start(t);
      const server = await startServer(t, vendorEnv(stub, WIRES));
      stub.script = () => ({ kind: "status", status: 429, retryAfter: retryAfter() });
      const visitor = new Visitor(server);
      const first = await visitor.create({ prompt: newPrompt() });
      assert.equal(first.planner, "rules");
      assert.match(first.warnings[0] ?? "", /claude-stub answered .*\(429\); .*llama-stub answered .*\(429\)$/);
      const second = await visitor.create({ prompt: newPrompt() });
      assert.match(second.warnings[0] ?? "", /claude-stub is out of order; .*llama-stub is out of order$/);
      assert.deepEqual(
        stub.requests.map(({ wire }) => wire),
        WIRES,
        "each was asked once, and is left alone since",
      );
      const changes = logged(server, "a breaker has changed");
      assert.deepEqual(
        changes.map(({ breaker, to, reason }) => [breaker, to, reason]),
        WIRES.map((wire) => [`llm:${MODELS[wire]}`, "open", "retry_after"]),
      );
      for (const { openMs } of changes) assert.ok(Number(openMs) >= least && Number(openMs) <= most, `${openMs} ms`);
    });
});

/** The last request had what was wrong with the answer before. */
function assertToldOf(requests: StubRequest[], problem: RegExp): void {
  assert.doesNotMatch(JSON.stringify(requests[0]?.body.messages), problem);
  assert.match(JSON.stringify(requests.at(-1)?.body.messages), problem);
}

function assertAttention(server: Server, status: number): void {
  const [entry] = logged(server, "somebody has to look after this: a key, a bill or an address is wrong").slice(-1);
  assert.equal(entry?.level, 50);
  assert.equal((entry.err as { statusCode: number }).statusCode, status);
}
