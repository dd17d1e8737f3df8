/** An LLM vendor for tests: a local HTTP server with the wire formats of Anthropic and OpenAI, and with their bad days. */
import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";

const MAX_BODY_BYTES = 8 << 20;
const MAX_TEXT_CHARS = 64 << 20;
const CHUNK_CHARS = 16;
const GARBAGE_CHUNK_CHARS = 4096;
const DEFAULT_TEXT = '{"ok":true}';

export type WireName = "anthropic" | "openai";

/** What the vendor does with a request. Its `text` is the model's, whichever wire carries it. */
export type Behaviour =
  /** The first text comes after `firstTokenMs`, `chunkChars` at a time, `chunkMs` apart; unstreamed, all after their sum. */
  | { kind: "answer"; text: string; firstTokenMs?: number; chunkChars?: number; chunkMs?: number }
  /** The token limit ends the text. */
  | { kind: "max-tokens"; text: string }
  /** The model declines: Anthropic's stop reason "refusal", OpenAI's `refusal` field with finish reason "stop". */
  | { kind: "refusal"; text: string }
  /** A filter ends the text: OpenAI's finish reason "content_filter"; Anthropic says "refusal". */
  | { kind: "content-filter"; text: string }
  /** So many bytes of nonsense as the model's text, the same each time. */
  | { kind: "garbage"; bytes: number }
  /** The text goes on no further than `afterChars` (unstreamed: of the body), but the line stays. */
  | { kind: "stall"; text: string; afterChars: number }
  /** The same, and the line breaks. */
  | { kind: "cut"; text: string; afterChars: number }
  /** An error event after the text, or as the first thing when the text is empty; unstreamed, a status. */
  | { kind: "mid-stream-error"; text?: string }
  /** Takes the request, never answers. */
  | { kind: "silent" }
  /** Resets the line before any byte of an answer. */
  | { kind: "refuse-connection" }
  /** The vendor's own error of that status, or this body. */
  | { kind: "status"; status: number; retryAfter?: string; body?: string }
  /** Status 200 and a page for humans, as from a captive portal. */
  | { kind: "not-http-json" };

export interface StubRequest {
  readonly wire: WireName;
  readonly model: string;
  readonly body: Record<string, unknown>;
  readonly headers: IncomingHttpHeaders;
  /** When it had come whole, by `performance.now()`. */
  readonly at: number;
  /** The client hung up before it had the whole answer. */
  aborted: boolean;
  /** Resolves when the exchange is over, in whatever way. */
  readonly ended: Promise<void>;
}

export class LlmStub {
  /** Without a trailing slash; both it and `${url}/v1` are fit to be a base URL. */
  readonly url: string;
  /** Those that were well-formed; a malformed one gets the vendor's 400. */
  readonly requests: StubRequest[] = [];
  /** Chooses what becomes of a request; `index` is its place in `requests`. */
  script: (request: StubRequest, index: number) => Behaviour = () => ({ kind: "answer", text: DEFAULT_TEXT });
  readonly #server: Server;
  readonly #exchanges = new Set<Promise<void>>();
  #closing = false;

  static async start(t?: { after(end: () => Promise<void>): unknown }): Promise<LlmStub> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const stub = new LlmStub(server);
    t?.after(() => stub.close());
    return stub;
  }

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("request", (incoming, response) => {
      const exchange = this.#converse(incoming, response).finally(() => this.#exchanges.delete(exchange));
      this.#exchanges.add(exchange);
    });
  }

  /** Ends every exchange, hanging clients or not. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await Promise.all([closed, ...this.#exchanges]);
  }

  async #converse(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const over = new AbortController();
    response.once("close", () => over.abort());
    try {
      const wireName = wireAt(incoming.method, incoming.url);
      if (wireName === undefined) return sendBody(response, 404, "no such page", { "content-type": "text/plain" });
      const received = await readRequest(wireName, incoming);
      const wire = makeWire(wireName, received.ok ? received.body : {}, this.requests.length);
      if (!received.ok) return sendProblem(response, wire, received.status, received.message);
      const ended = Promise.withResolvers<void>();
      const { model } = received.body;
      const { headers } = incoming;
      const at = performance.now();
      const request: StubRequest = {
        wire: wireName,
        model,
        body: received.body,
        headers,
        at,
        aborted: false,
        ended: ended.promise,
      };
      const line: Line = { response, signal: over.signal, severed: false };
      response.once("close", () => {
        request.aborted = !response.writableFinished && !line.severed && !this.#closing;
        ended.resolve();
      });
      const index = this.requests.push(request) - 1;
      await play(this.script(request, index), wire, line);
    } catch (error) {
      if (!over.signal.aborted) throw error;
    }
  }
}

// What a behaviour does

interface Line {
  readonly response: ServerResponse;
  /** Aborts when the exchange is over. */
  readonly signal: AbortSignal;
  /** It was the stub that broke the line. */
  severed: boolean;
}

type Stop = "end" | "max-tokens" | "refusal" | "content-filter";

interface Speech {
  text: string;
  stop: Stop;
  firstTokenMs: number;
  chunkChars: number;
  chunkMs: number;
  ending: "finish" | "stall" | "cut" | "error";
  /** Of the text, when it does not finish. */
  afterChars: number;
}

async function play(behaviour: Behaviour, wire: Wire, line: Line): Promise<void> {
  const { response } = line;
  switch (behaviour.kind) {
    case "silent":
      return untilOver(line);
    case "refuse-connection":
      line.severed = true;
      response.socket?.resetAndDestroy();
      return;
    case "status": {
      const headers = behaviour.retryAfter === undefined ? {} : { "retry-after": behaviour.retryAfter };
      if (behaviour.body === undefined) return sendProblem(response, wire, behaviour.status, undefined, headers);
      return sendBody(response, behaviour.status, behaviour.body, { "content-type": "text/plain", ...headers });
    }
    case "not-http-json":
      return sendBody(response, 200, "<!doctype html><title>Welcome to the hotel</title>", {
        "content-type": "text/html",
      });
    default: {
      const speech = speechOf(behaviour);
      if (speech.text.length > MAX_TEXT_CHARS) throw new RangeError(`text: at most ${MAX_TEXT_CHARS} characters`);
      return wire.streams ? stream(speech, wire, line) : sendWhole(speech, wire, line);
    }
  }
}

type Speaking = Exclude<Behaviour, { kind: "silent" | "refuse-connection" | "status" | "not-http-json" }>;

function speechOf(behaviour: Speaking): Speech {
  const text = behaviour.kind === "garbage" ? garbage(behaviour.bytes) : (behaviour.text ?? '{"ok":');
  const speech: Speech = {
    text,
    stop: "end",
    firstTokenMs: 0,
    chunkChars: CHUNK_CHARS,
    chunkMs: 0,
    ending: "finish",
    afterChars: text.length,
  };
  switch (behaviour.kind) {
    case "answer": {
      const { firstTokenMs = 0, chunkChars = CHUNK_CHARS, chunkMs = 0 } = behaviour;
      return { ...speech, firstTokenMs, chunkChars, chunkMs };
    }
    case "garbage":
      return { ...speech, chunkChars: GARBAGE_CHUNK_CHARS };
    case "max-tokens":
    case "refusal":
    case "content-filter":
      return { ...speech, stop: behaviour.kind };
    case "stall":
    case "cut":
      return { ...speech, ending: behaviour.kind, afterChars: behaviour.afterChars };
    case "mid-stream-error":
      return { ...speech, ending: "error" };
  }
}

async function stream(speech: Speech, wire: Wire, line: Line): Promise<void> {
  const { response, signal } = line;
  const write = async (text: string) => {
    if (!response.write(text)) await once(response, "drain", { signal });
  };
  response.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    ...wire.headers,
  });
  const said = speech.text.slice(0, speech.afterChars);
  if (said !== "" || speech.ending !== "error") await write(wire.begin(speech.stop));
  await sleep(speech.firstTokenMs, undefined, { signal });
  for (let from = 0; from < said.length; from += speech.chunkChars) {
    if (from > 0 && speech.chunkMs > 0) await sleep(speech.chunkMs, undefined, { signal });
    await write(wire.delta(said.slice(from, from + speech.chunkChars), speech.stop));
  }
  if (speech.ending === "stall") return untilOver(line);
  if (speech.ending === "cut") return sever(line);
  response.end(speech.ending === "error" ? wire.errorEvent() : wire.finish(speech.stop, said));
}

async function sendWhole(speech: Speech, wire: Wire, line: Line): Promise<void> {
  const { response, signal } = line;
  const pauses = Math.max(0, Math.ceil(speech.text.length / speech.chunkChars) - 1);
  await sleep(speech.firstTokenMs + pauses * speech.chunkMs, undefined, { signal });
  if (speech.ending === "error") return sendProblem(response, wire, wire.overloadedStatus);
  const body = JSON.stringify(wire.whole(speech.text, speech.stop));
  const headers = { "content-type": "application/json", ...wire.headers };
  if (speech.ending === "finish") return sendBody(response, 200, body, headers);
  response.writeHead(200, { ...headers, "content-length": Buffer.byteLength(body) });
  response.write(body.slice(0, Math.min(speech.afterChars, body.length - 1)));
  return speech.ending === "stall" ? untilOver(line) : sever(line);
}

/** Breaks the line, but only when what has been said is on its way. */
function sever(line: Line): void {
  line.severed = true;
  line.response.socket?.destroySoon();
}

async function untilOver(line: Line): Promise<void> {
  if (!line.signal.aborted) await once(line.signal, "abort");
}

function sendProblem(response: ServerResponse, wire: Wire, status: number, message?: string, headers = {}): void {
  const body = JSON.stringify(wire.problem(status, message ?? `The stub was told to answer ${status}`));
  sendBody(response, status, body, { "content-type": "application/json", ...wire.headers, ...headers });
}

function sendBody(response: ServerResponse, status: number, body: string, headers: Record<string, string>): void {
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) }).end(body);
}

function garbage(bytes: number): string {
  const nonsense = Buffer.alloc(bytes);
  let state = 1;
  for (let index = 0; index < bytes; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    nonsense[index] = 32 + ((state >>> 16) % 95);
  }
  return nonsense.toString("latin1");
}

// What comes in

const anthropicRequest = z.looseObject({
  model: z.string(),
  max_tokens: z.int().positive(),
  messages: z.array(z.unknown()).min(1),
  stream: z.boolean().optional(),
  tools: z.array(z.looseObject({ name: z.string() })).optional(),
  tool_choice: z.looseObject({ type: z.string(), name: z.string().optional() }).optional(),
});

const openaiRequest = z.looseObject({
  model: z.string(),
  messages: z.array(z.unknown()).min(1),
  stream: z.boolean().optional(),
  stream_options: z.looseObject({ include_usage: z.boolean().optional() }).optional(),
});

type RequestBody = { model: string } & Record<string, unknown>;
type Received = { ok: true; body: RequestBody } | { ok: false; status: number; message: string };

function wireAt(method: string | undefined, url: string | undefined): WireName | undefined {
  const path = new URL(url ?? "/", "http://stub").pathname.replace(/^\/v1(?=\/)/, "");
  if (method !== "POST") return undefined;
  return path === "/messages" ? "anthropic" : path === "/chat/completions" ? "openai" : undefined;
}

async function readRequest(wire: WireName, incoming: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return { ok: false, status: 413, message: `request: over ${MAX_BODY_BYTES} bytes` };
    chunks.push(chunk);
  }
  try {
    const json: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    return { ok: true, body: (wire === "anthropic" ? anthropicRequest : openaiRequest).parse(json) };
  } catch (error) {
    return { ok: false, status: 400, message: error instanceof z.ZodError ? z.prettifyError(error) : String(error) };
  }
}

// How each vendor words it

interface Wire {
  readonly streams: boolean;
  readonly headers: Record<string, string>;
  readonly overloadedStatus: number;
  begin(stop: Stop): string;
  delta(text: string, stop: Stop): string;
  finish(stop: Stop, text: string): string;
  errorEvent(): string;
  whole(text: string, stop: Stop): object;
  problem(status: number, message: string): object;
}

function makeWire(name: WireName, body: Record<string, unknown>, index: number): Wire {
  return name === "anthropic" ? anthropicWire(body, index) : openaiWire(body, index);
}

function tokens(text: string): number {
  return Math.ceil(text.length / 4);
}

const ANTHROPIC_ERRORS: Record<number, string> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  500: "api_error",
  504: "timeout_error",
  529: "overloaded_error",
};

/** https://docs.anthropic.com/en/api/messages-streaming and /en/api/errors */
function anthropicWire(body: Record<string, unknown>, index: number): Wire {
  const request = anthropicRequest.partial().parse(body);
  const requestId = `req_stub${index}`;
  const { tools, tool_choice: choice } = request;
  const forced = choice?.type === "tool" ? choice.name : choice?.type === "any" ? tools?.[0]?.name : undefined;
  const tool = tools?.find(({ name }) => name === forced);
  const usesTool = (stop: Stop) => tool !== undefined && stop !== "refusal" && stop !== "content-filter";
  const usage = {
    input_tokens: tokens(JSON.stringify(body)),
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
  };
  const message = { id: `msg_stub${index}`, type: "message", role: "assistant", model: request.model };
  const event = (data: { type: string } & Record<string, unknown>) =>
    `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
  const toolUse = { type: "tool_use", id: `toolu_stub${index}`, name: tool?.name };
  const stopReason = (stop: Stop) =>
    stop === "max-tokens" ? "max_tokens" : stop !== "end" ? "refusal" : tool ? "tool_use" : "end_turn";
  const error = (type: string, text: string) => ({
    type: "error",
    error: { type, message: text },
    request_id: requestId,
  });
  return {
    streams: request.stream ?? false,
    headers: { "request-id": requestId },
    overloadedStatus: 529,
    begin: (stop) =>
      event({
        type: "message_start",
        message: {
          ...message,
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: { ...usage, output_tokens: 1 },
        },
      }) +
      event({
        type: "content_block_start",
        index: 0,
        content_block: usesTool(stop) ? { ...toolUse, input: {} } : { type: "text", text: "" },
      }) +
      event({ type: "ping" }),
    delta: (text, stop) =>
      event({
        type: "content_block_delta",
        index: 0,
        delta: usesTool(stop) ? { type: "input_json_delta", partial_json: text } : { type: "text_delta", text },
      }),
    finish: (stop, text) =>
      event({ type: "content_block_stop", index: 0 }) +
      event({
        type: "message_delta",
        delta: { stop_reason: stopReason(stop), stop_sequence: null },
        usage: { output_tokens: tokens(text) },
      }) +
      event({ type: "message_stop" }),
    errorEvent: () => event(error("overloaded_error", "Overloaded")),
    whole: (text, stop) => ({
      ...message,
      content: [usesTool(stop) ? { ...toolUse, input: toolInput(text) } : { type: "text", text }],
      stop_reason: stopReason(stop),
      stop_sequence: null,
      usage: { ...usage, output_tokens: tokens(text) },
    }),
    problem: (status, text) =>
      error(ANTHROPIC_ERRORS[status] ?? (status < 500 ? "invalid_request_error" : "api_error"), text),
  };
}

/** The wrapper is Anthropic's own for a tool's input that is no JSON. */
function toolInput(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { INVALID_JSON: text };
  }
}

const OPENAI_ERRORS: Record<number, { type: string; code: string | null }> = {
  401: { type: "invalid_request_error", code: "invalid_api_key" },
  403: { type: "request_forbidden", code: "unsupported_country_region_territory" },
  404: { type: "invalid_request_error", code: "model_not_found" },
  429: { type: "requests", code: "rate_limit_exceeded" },
};

/** https://platform.openai.com/docs/api-reference/chat-streaming and /docs/guides/error-codes */
function openaiWire(body: Record<string, unknown>, index: number): Wire {
  const request = openaiRequest.partial().parse(body);
  const includeUsage = request.stream_options?.include_usage ?? false;
  const created = Math.floor(Date.now() / 1000);
  const head = { id: `chatcmpl-stub${index}`, created, model: request.model, system_fingerprint: null };
  const usageOf = (text: string) => {
    const prompt = tokens(JSON.stringify(body));
    return { prompt_tokens: prompt, completion_tokens: tokens(text), total_tokens: prompt + tokens(text) };
  };
  const data = (payload: object) => `data: ${JSON.stringify(payload)}\n\n`;
  const chunk = (delta: object, finishReason: string | null) =>
    data({
      ...head,
      object: "chat.completion.chunk",
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
      ...(includeUsage ? { usage: null } : {}),
    });
  const finishReason = (stop: Stop) =>
    stop === "max-tokens" ? "length" : stop === "content-filter" ? "content_filter" : "stop";
  const problem = (status: number, message: string) => {
    const { type, code } = OPENAI_ERRORS[status] ?? {
      type: status < 500 ? "invalid_request_error" : "server_error",
      code: null,
    };
    return { error: { message, type, param: null, code } };
  };
  return {
    streams: request.stream ?? false,
    headers: { "x-request-id": `req_stub${index}` },
    overloadedStatus: 503,
    begin: (stop) => chunk({ role: "assistant", content: stop === "refusal" ? null : "", refusal: null }, null),
    delta: (text, stop) => chunk(stop === "refusal" ? { refusal: text } : { content: text }, null),
    finish: (stop, text) =>
      chunk({}, finishReason(stop)) +
      (includeUsage ? data({ ...head, object: "chat.completion.chunk", choices: [], usage: usageOf(text) }) : "") +
      "data: [DONE]\n\n",
    errorEvent: () => data(problem(500, "The server had an error while processing your request. Sorry about that!")),
    whole: (text, stop) => ({
      ...head,
      object: "chat.completion",
      choices: [
        {
          index: 0,
          message: {
            role: "assistant",
            content: stop === "refusal" ? null : text,
            refusal: stop === "refusal" ? text : null,
          },
          logprobs: null,
          finish_reason: finishReason(stop),
        },
      ],
      usage: usageOf(text),
    }),
    problem,
  };
}
