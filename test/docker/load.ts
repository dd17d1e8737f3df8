/** People at work on a SimGen: each watches a simulation and says something now and then; and requests besides. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Connection, connect } from "@holdfast/client";
import WebSocket from "ws";
import type { ToClient } from "../../apps/simgen/server/messages.ts";
import { Visitor } from "../../apps/simgen/server/server.fixture.ts";

const TEMPLATE = { template: "pendulum" };
const PING_MS = 1_000;
/** Of the requests, one in so many makes something: it must not happen twice, nor be lost. */
const CREATES_ONE_IN = 25;
const UNDER_WAY_MAX = 500;
/** Simulations are tried before they run, a few at a time. */
const BEGINNERS_AT_ONCE = 4;
const LAST_ANSWERS_MS_MAX = 30_000;

export interface LoadOptions {
  sessions: number;
  requestsPerSecond: number;
}

/** Since the last one. */
export interface LoadReport {
  seconds: number;
  requests: number;
  /** "GET 502", "POST fetch failed". */
  failed: string[];
  requestMs: { p50: number; p99: number; max: number };
  /** Sent, each to be answered once. */
  messages: number;
  /** When sessions came back on a new line, s after the beginning of the report. */
  resumedAfterSeconds: number[];
  /** Sessions that are not what they were: begun anew, with a gap, or closed. */
  broken: string[];
  /** The longest time without a frame, of the median session and of the worst, ms. */
  silenceMs: { median: number; max: number };
  /** The longest wait for an answer to a message, the same. */
  answerMs: { median: number; max: number };
}

/** A report as a line for people. */
export function describeLoad(what: string, report: LoadReport): string {
  const { seconds, requests, failed, requestMs, messages, resumedAfterSeconds, broken, silenceMs } = report;
  return (
    `${what}: ${seconds} s, ${requests} requests (p99 ${requestMs.p99} ms, max ${requestMs.max}), failed: ${failed.join(", ") || "none"}, ` +
    `${messages} messages, ${resumedAfterSeconds.length} sessions resumed, ${broken.length} broken, ` +
    `longest silence ${silenceMs.median} ms (median), ${silenceMs.max} ms (max)`
  );
}

export class Load {
  readonly #url: string;
  readonly #options: LoadOptions;
  readonly #people: Person[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #requestsEver = 0;
  #sinceMs = performance.now();
  #durationsMs: number[] = [];
  #failed: string[] = [];

  constructor(url: string, options: LoadOptions) {
    this.#url = url;
    this.#options = options;
  }

  /** Resolves when everybody sees frames. */
  async start(): Promise<void> {
    let beginners = this.#options.sessions;
    const begin = async () => {
      while (beginners-- > 0) {
        const person = new Person(this.#url);
        this.#people.push(person);
        await person.begin();
      }
    };
    await Promise.all(Array.from({ length: BEGINNERS_AT_ONCE }, begin));
    this.#timer = setInterval(() => this.#request(), 1000 / this.#options.requestsPerSecond);
    this.report();
  }

  report(): LoadReport {
    const now = performance.now();
    const durations = this.#durationsMs.sort((a, b) => a - b);
    const quantile = (q: number) => Math.round(durations[Math.floor(q * (durations.length - 1))] ?? 0);
    const spread = (all: number[]) => {
      const sorted = all.toSorted((a, b) => a - b);
      return { median: Math.round(sorted[sorted.length >> 1] ?? 0), max: Math.round(sorted.at(-1) ?? 0) };
    };
    const since = this.#sinceMs;
    const report = {
      seconds: Math.round((now - since) / 1000),
      requests: durations.length,
      failed: this.#failed,
      requestMs: { p50: quantile(0.5), p99: quantile(0.99), max: quantile(1) },
      messages: this.#people.reduce((sum, person) => sum + person.takeSent(), 0),
      resumedAfterSeconds: this.#people
        .flatMap((person) => person.resumedAtMs.splice(0))
        .map((atMs) => Math.round((atMs - since) / 100) / 10)
        .sort((a, b) => a - b),
      broken: this.#people.flatMap((person) => person.broken.splice(0)),
      silenceMs: spread(this.#people.map((person) => person.takeSilence(now))),
      answerMs: spread(this.#people.map((person) => person.takeAnswer(now))),
    };
    [this.#sinceMs, this.#durationsMs, this.#failed] = [now, [], []];
    return report;
  }

  /** Ends it, and resolves with the messages that had no answer, or more than one, or not in their turn; none is right. */
  async stop(): Promise<string[]> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
    return (await Promise.all(this.#people.map((person) => person.end()))).flat();
  }

  #request(): void {
    const person = this.#people[this.#requestsEver % this.#people.length];
    const isCreate = ++this.#requestsEver % CREATES_ONE_IN === 0;
    if (!person || this.#underWay.size >= UNDER_WAY_MAX) {
      this.#failed.push(`${UNDER_WAY_MAX} requests are under way`);
      return;
    }
    const asked = this.#ask(person, isCreate ? "POST" : "GET");
    this.#underWay.add(asked);
    void asked.finally(() => this.#underWay.delete(asked));
  }

  async #ask({ visitor, simulation }: Person, method: "GET" | "POST"): Promise<void> {
    const begun = performance.now();
    const id = method === "GET" ? `/${simulation}` : "";
    const body = method === "GET" ? undefined : TEMPLATE;
    try {
      const { status } = await visitor.request(method, `/api/v1/simulations${id}`, body);
      if (status !== (method === "GET" ? 200 : 201)) this.#failed.push(`${method} ${status}`);
    } catch (error) {
      this.#failed.push(`${method} ${error instanceof Error ? (error.cause ?? error.message) : error}`);
    }
    this.#durationsMs.push(performance.now() - begun);
  }
}

class Person {
  readonly visitor: Visitor;
  simulation = "";
  readonly resumedAtMs: number[] = [];
  readonly broken: string[] = [];
  #session!: Connection<{ toClient: ToClient; toServer: unknown }>;
  #timer: NodeJS.Timeout | undefined;
  #sent = 0;
  #answered = 0;
  #sentBefore = 0;
  #frameAtMs = 0;
  #silenceMs = 0;
  /** When the messages without an answer were sent. */
  readonly #sentAtMs: number[] = [];
  #answerMs = 0;
  readonly #wrong: string[] = [];

  constructor(url: string) {
    this.visitor = new Visitor({ url, talks: [] });
  }

  async begin(): Promise<void> {
    const { id } = await this.visitor.create(TEMPLATE);
    this.simulation = id;
    const { headers, server } = this.visitor;
    class Line extends WebSocket {
      constructor(address: string) {
        super(address, { headers });
      }
    }
    this.#session = connect(`${server.url}/ws`, { WebSocket: Line });
    const frames = Promise.withResolvers<void>();
    for (const lane of ["keyframe", "frame"])
      this.#session.lane(lane).on(() => {
        const now = performance.now();
        if (this.#frameAtMs > 0) this.#silenceMs = Math.max(this.#silenceMs, now - this.#frameAtMs);
        this.#frameAtMs = now;
        frames.resolve();
      });
    let opened = 0;
    this.#session.on("open", () => {
      if (++opened > 1) this.broken.push("a new session");
    });
    this.#session.on("gap", () => this.broken.push("a gap"));
    this.#session.on("closed", ({ code }) => {
      if (code !== 1000) this.broken.push(`closed ${code}`);
    });
    this.#session.on("resumed", () => this.resumedAtMs.push(performance.now()));
    this.#session.on("message", (message) => {
      if (message.type === "error") this.broken.push(`error ${message.code}`);
      if (message.type !== "pong") return;
      this.#answerMs = Math.max(this.#answerMs, performance.now() - (this.#sentAtMs.shift() ?? 0));
      if (message.at !== ++this.#answered) this.#wrong.push(`answer ${message.at}, expected ${this.#answered}`);
    });
    this.#session.send({ type: "watch", simulation: id });
    await frames.promise;
    this.#timer = setInterval(() => {
      this.#sentAtMs.push(performance.now());
      this.#session.send({ type: "ping", at: ++this.#sent });
    }, PING_MS);
  }

  takeSilence(nowMs: number): number {
    const silenceMs = Math.max(this.#silenceMs, nowMs - this.#frameAtMs);
    this.#silenceMs = 0;
    return silenceMs;
  }

  takeAnswer(nowMs: number): number {
    const answerMs = Math.max(this.#answerMs, nowMs - (this.#sentAtMs[0] ?? nowMs));
    this.#answerMs = 0;
    return answerMs;
  }

  takeSent(): number {
    const sent = this.#sent - this.#sentBefore;
    this.#sentBefore = this.#sent;
    return sent;
  }

  async end(): Promise<string[]> {
    clearInterval(this.#timer);
    for (const deadline = Date.now() + LAST_ANSWERS_MS_MAX; this.#answered < this.#sent && Date.now() < deadline; )
      await sleep(50);
    if (this.#answered !== this.#sent) this.#wrong.push(`${this.#sent} messages, ${this.#answered} answers`);
    await this.#session?.close();
    return this.#wrong;
  }
}
