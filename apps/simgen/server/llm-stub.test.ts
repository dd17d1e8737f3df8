import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, generateText, NoObjectGeneratedError, Output, streamText } from "ai";
import { z } from "zod";
import { type Behaviour, LlmStub } from "./llm-stub.fixture.ts";

globalThis.AI_SDK_LOG_WARNINGS = false;

const TEXT = '{"ok":true}';
const HANGING_TIMEOUT_MS = 2000;
const ANSWER_TIMEOUT_MS = 20_000;
const output = Output.object({ schema: z.object({ ok: z.boolean() }) });

/** Each way of asking for structured output that the SDK knows. */
const VENDORS = {
  "Anthropic, native": (url: string) => createAnthropic({ apiKey: "k", baseURL: `${url}/v1` })("claude-sonnet-4-5"),
  "Anthropic, by tool": (url: string) => createAnthropic({ apiKey: "k", baseURL: url })("claude-3-haiku-20240307"),
  "OpenAI, json_schema": (url: string) =>
    createOpenAICompatible({
      name: "openai",
      apiKey: "k",
      baseURL: `${url}/v1`,
      supportsStructuredOutputs: true,
      includeUsage: true,
    })("gpt-x"),
  "OpenAI, json_object": (url: string) => createOpenAICompatible({ name: "local", baseURL: url })("llama"),
};
type Vendor = keyof typeof VENDORS;

for (const vendor of Object.keys(VENDORS) as Vendor[]) {
  const anthropic = vendor.startsWith("Anthropic");

  describe(`the stub as ${vendor}`, () => {
    it("answers whole, and keeps the request as it came", async (t) => {
      const { stub, model } = await start(t, vendor, { kind: "answer", text: TEXT });
      const before = performance.now();
      const result = await generateText({ model, prompt: "hi", maxRetries: 0, output });
      assert.deepEqual(result.output, { ok: true });
      assert.equal(result.finishReason, "stop");
      assert.equal(result.usage.outputTokens, 3);
      assert.equal(result.response.modelId, model.modelId);
      const request = stub.requests[0]!;
      assert.equal(request.wire, anthropic ? "anthropic" : "openai");
      assert.equal(request.model, model.modelId);
      assert.ok(request.at >= before && request.at <= performance.now());
      await request.ended;
      assert.equal(request.aborted, false);
      if (anthropic) assert.equal(request.headers["x-api-key"], "k");
      assert.equal(asksStructure(request.body), vendor.split(" ").at(-1));
    });

    it("streams, in pieces and at the pace it was told", async (t) => {
      const { model } = await start(t, vendor, {
        kind: "answer",
        text: TEXT,
        chunkChars: 3,
        firstTokenMs: 30,
        chunkMs: 10,
      });
      const began = performance.now();
      const result = streamText({ model, prompt: "hi", maxRetries: 0 });
      const pieces: string[] = [];
      for await (const piece of result.textStream) pieces.push(piece);
      assert.deepEqual(pieces, ['{"o', 'k":', "tru", "e}"]);
      // Timers may be a millisecond early.
      assert.ok(performance.now() - began >= 55);
      assert.equal(await result.finishReason, "stop");
      if (vendor !== "OpenAI, json_object") assert.equal((await result.usage).outputTokens, 3);
    });

    it("streams structured output", async (t) => {
      const { model } = await start(t, vendor, { kind: "answer", text: TEXT, chunkChars: 4 });
      assert.deepEqual(await streamText({ model, prompt: "hi", maxRetries: 0, output }).output, { ok: true });
    });

    const textFaults: [Behaviour, finishReason: string][] = [
      [{ kind: "max-tokens", text: '{"ok":tr' }, "length"],
      [{ kind: "refusal", text: "I would rather not." }, "content-filter"],
      [{ kind: "content-filter", text: '{"o' }, "content-filter"],
      [{ kind: "garbage", bytes: 10_000 }, "stop"],
    ];
    for (const [behaviour, finishReason] of textFaults)
      it(`${behaviour.kind}: no object, and the reason is "${finishReason}"`, async (t) => {
        const { model } = await start(t, vendor, behaviour);
        const isThat = (error: unknown) =>
          NoObjectGeneratedError.isInstance(error) && error.finishReason === finishReason;
        await assert.rejects(generateText({ model, prompt: "hi", maxRetries: 0, output }), isThat);
        const result = streamText({ model, prompt: "hi", maxRetries: 0, output });
        await assert.rejects(Promise.resolve(result.output), isThat);
        assert.equal(await result.finishReason, finishReason);
        const said = await result.text;
        if (behaviour.kind === "garbage") assert.equal(Buffer.byteLength(said), behaviour.bytes);
        else assert.equal(said, "text" in behaviour ? behaviour.text : "");
      });

    const statuses: [status: number, anthropicType: string, openaiType: string, retryable: boolean][] = [
      [400, "invalid_request_error", "invalid_request_error", false],
      [401, "authentication_error", "invalid_request_error", false],
      [403, "permission_error", "request_forbidden", false],
      [404, "not_found_error", "invalid_request_error", false],
      [413, "request_too_large", "invalid_request_error", false],
      [429, "rate_limit_error", "requests", true],
      [500, "api_error", "server_error", true],
      [529, "overloaded_error", "server_error", true],
    ];
    for (const [status, anthropicType, openaiType, retryable] of statuses)
      it(`status ${status} in the vendor's own words, whole and streamed`, async (t) => {
        const { model } = await start(t, vendor, { kind: "status", status, retryAfter: "7" });
        for (const error of [await whole(model), (await streamed(model)).errors[0]]) {
          assert.ok(APICallError.isInstance(error));
          assert.equal(error.statusCode, status);
          assert.equal(error.isRetryable, retryable);
          assert.equal(error.responseHeaders?.["retry-after"], "7");
          assert.equal(JSON.parse(error.responseBody ?? "").error.type, anthropic ? anthropicType : openaiType);
        }
      });

    it("a status with a body of its own", async (t) => {
      const { model } = await start(t, vendor, { kind: "status", status: 502, body: "<html>Bad gateway" });
      const error = await whole(model);
      assert.ok(APICallError.isInstance(error));
      assert.deepEqual([error.statusCode, error.responseBody], [502, "<html>Bad gateway"]);
    });

    it("resets the line before an answer", async (t) => {
      const { stub, model } = await start(t, vendor, { kind: "refuse-connection" });
      for (const error of [await whole(model), (await streamed(model)).errors[0]]) {
        assert.ok(APICallError.isInstance(error));
        assert.deepEqual([error.statusCode, error.isRetryable], [undefined, true]);
        assert.match(error.message, /Cannot connect to API/);
      }
      assert.deepEqual(
        stub.requests.map((request) => request.aborted),
        [false, false],
      );
    });

    it("cuts the line in the middle", async (t) => {
      const { stub, model } = await start(t, vendor, { kind: "cut", text: TEXT, afterChars: 5 });
      const { text, errors, thrown } = await streamed(model);
      assert.deepEqual([text, errors], ['{"ok"', []]);
      for (const error of [await whole(model), thrown]) {
        assert.ok(APICallError.isInstance(error));
        assert.deepEqual([error.statusCode, error.isRetryable], [200, true]);
      }
      assert.equal(stub.requests[0]?.aborted, false);
    });

    for (const behaviour of [{ kind: "silent" }, { kind: "stall", text: TEXT, afterChars: 5 }] as const)
      it(`${behaviour.kind}: hangs until the client has had enough`, async (t) => {
        const { stub, model } = await start(t, vendor, behaviour);
        const { text, aborted } = await streamed(model, HANGING_TIMEOUT_MS);
        assert.deepEqual([text, aborted], [behaviour.kind === "stall" ? '{"ok"' : "", "TimeoutError"]);
        const error = await whole(model, HANGING_TIMEOUT_MS);
        assert.ok(error instanceof Error);
        assert.equal(error.name, "TimeoutError");
        await Promise.all(stub.requests.map((request) => request.ended));
        assert.deepEqual(
          stub.requests.map((request) => request.aborted),
          [true, true],
        );
      });

    it("reports an error after some text, in the stream", async (t) => {
      const { model } = await start(t, vendor, { kind: "mid-stream-error", text: '{"ok":' });
      const { text, errors, finishReason } = await streamed(model);
      assert.deepEqual([text, finishReason], ['{"ok":', "error"]);
      assert.match(String(errors[0]), anthropic ? /Overloaded/ : /The server had an error/);
      const error = await whole(model);
      assert.ok(APICallError.isInstance(error));
      assert.equal(error.statusCode, anthropic ? 529 : 503);
    });

    it("reports an error as the first thing of the stream", async (t) => {
      const { model } = await start(t, vendor, { kind: "mid-stream-error", text: "" });
      const { text, errors } = await streamed(model);
      assert.equal(text, "");
      assert.match(String(errors[0]), anthropic ? /Overloaded/ : /The server had an error/);
    });

    it("answers 200 with a page for humans", async (t) => {
      const { model } = await start(t, vendor, { kind: "not-http-json" });
      const error = await whole(model);
      assert.ok(APICallError.isInstance(error));
      assert.equal(error.message, "Invalid JSON response");
      const { text, errors } = await streamed(model);
      assert.deepEqual([text, errors.length], ["", 1]);
    });

    it("follows the script, request by request", async (t) => {
      const { stub, model } = await start(t, vendor, { kind: "answer", text: "" });
      stub.script = (request, index) => ({ kind: "answer", text: `${request.model} ${index}` });
      for (const index of [0, 1]) {
        const { text } = await generateText({ model, prompt: "hi", maxRetries: 0 });
        assert.equal(text, `${model.modelId} ${index}`);
      }
    });
  });
}

describe("the stub", () => {
  it("sees a client hang up in the middle of an answer", async (t) => {
    const { stub, model } = await start(t, "OpenAI, json_schema", {
      kind: "answer",
      text: "word ".repeat(50),
      chunkMs: 50,
    });
    const hangUp = new AbortController();
    const result = streamText({ model, prompt: "hi", maxRetries: 0, abortSignal: hangUp.signal });
    for await (const part of result.fullStream) if (part.type === "text-delta") hangUp.abort();
    await stub.requests[0]?.ended;
    assert.equal(stub.requests[0]?.aborted, true);
  });

  it("closes while clients hang, and nobody is blamed for it", async () => {
    const stub = await LlmStub.start();
    const bodies = ["anthropic", "openai"].flatMap((wire) => [false, true].map((stream) => ({ wire, stream })));
    const behaviours: Behaviour[] = [
      { kind: "silent" },
      { kind: "stall", text: TEXT, afterChars: 3 },
      { kind: "answer", text: TEXT, firstTokenMs: 60_000 },
      { kind: "answer", text: TEXT, chunkChars: 1, chunkMs: 60_000 },
      { kind: "garbage", bytes: 12 << 20 },
    ];
    const total = bodies.length * behaviours.length;
    const allCame = Promise.withResolvers<void>();
    stub.script = (_request, index) => {
      if (index === total - 1) allCame.resolve();
      return behaviours[index % behaviours.length]!;
    };
    const lines = bodies.flatMap(({ wire, stream }) =>
      behaviours.map(() => {
        const body = JSON.stringify({ model: "m", max_tokens: 1, messages: [{}], stream });
        const path = wire === "anthropic" ? "/v1/messages" : "/v1/chat/completions";
        const line = connect({ port: Number(new URL(stub.url).port), host: "127.0.0.1" });
        line.on("error", () => {});
        line.write(`POST ${path} HTTP/1.1\r\nhost: stub\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
        return line.pause();
      }),
    );
    await allCame.promise;
    await stub.close();
    await Promise.all(stub.requests.map((request) => request.ended));
    assert.equal(stub.requests.length, total);
    assert.ok(stub.requests.every((request) => !request.aborted));
    await assert.rejects(fetch(stub.url));
    for (const line of lines) line.destroy();
    await Promise.all(lines.map((line) => line.closed || once(line, "close")));
    await stub.close();
  });

  it("refuses what the vendor would refuse, and does not count it", async (t) => {
    const { stub } = await start(t, "OpenAI, json_schema", { kind: "silent" });
    const post = async (path: string, body: string) => {
      const response = await fetch(stub.url + path, { method: "POST", body });
      return { status: response.status, text: await response.text() };
    };
    const anthropic = await post("/v1/messages", '{"model":"m","messages":[{}]}');
    assert.equal(anthropic.status, 400);
    assert.match(JSON.parse(anthropic.text).error.message, /max_tokens/);
    const openai = await post("/chat/completions", "{");
    assert.equal(openai.status, 400);
    assert.equal(JSON.parse(openai.text).error.type, "invalid_request_error");
    assert.equal((await post("/v1/messages", "x".repeat((8 << 20) + 1))).status, 413);
    assert.equal((await post("/v1/embeddings", "{}")).status, 404);
    assert.deepEqual(stub.requests, []);
  });

  it("says the same nonsense each time", async (t) => {
    const { model } = await start(t, "OpenAI, json_schema", { kind: "garbage", bytes: 1000 });
    const said = [];
    for (let time = 0; time < 2; time++) said.push((await generateText({ model, prompt: "hi", maxRetries: 0 })).text);
    assert.equal(said[0], said[1]);
    assert.ok(new Set(said[0]).size > 50);
  });
});

type Model = ReturnType<(typeof VENDORS)[Vendor]>;

async function start(t: TestContext, vendor: Vendor, behaviour: Behaviour): Promise<{ stub: LlmStub; model: Model }> {
  const stub = await LlmStub.start(t);
  stub.script = () => behaviour;
  return { stub, model: VENDORS[vendor](stub.url) };
}

/** How the request asks for structured output, by the last word of the vendor's name. */
function asksStructure(body: Record<string, unknown>): string | undefined {
  if ("output_config" in body) return "native";
  if ("tool_choice" in body) return "tool";
  const { response_format: format } = z.object({ response_format: z.object({ type: z.string() }) }).parse(body);
  return format.type;
}

/** What the whole answer is rejected with. */
async function whole(model: Model, timeout = ANSWER_TIMEOUT_MS): Promise<unknown> {
  try {
    await generateText({ model, prompt: "hi", maxRetries: 0, timeout });
  } catch (error) {
    return error;
  }
  throw new Error("expected an error");
}

interface Streamed {
  text: string;
  /** Of parts of the type "error". */
  errors: unknown[];
  /** By the iteration itself. */
  thrown?: unknown;
  /** The name of what the stream was given up for. */
  aborted?: string;
  finishReason?: string;
}

async function streamed(model: Model, totalMs = ANSWER_TIMEOUT_MS): Promise<Streamed> {
  const seen: Streamed = { text: "", errors: [] };
  const timeout = { totalMs };
  try {
    for await (const part of streamText({ model, prompt: "hi", maxRetries: 0, timeout, onError() {} }).fullStream) {
      if (part.type === "text-delta") seen.text += part.text;
      if (part.type === "error") seen.errors.push(part.error);
      if (part.type === "abort") seen.aborted = part.reason?.split(":")[0] ?? "";
      if (part.type === "finish") seen.finishReason = part.finishReason;
    }
  } catch (error) {
    seen.thrown = error;
  }
  return seen;
}
