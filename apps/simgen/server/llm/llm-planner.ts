import {
  BreakerError,
  type BreakerErrorCode,
  type BreakerOptions,
  type CircuitBreaker,
  circuitBreaker,
  httpVerdict,
  type IsFailure,
} from "@holdfast/breaker";
import { type ModelMessage, streamText } from "ai";
import type { Pool, Trial } from "../../sim/pool.ts";
import { PoolError } from "../../sim/pool-error.ts";
import type { Scene } from "../../sim/scene.ts";
import type { Picture } from "../picture.ts";
import { ANSWER_CHARS_MAX, BadAnswer, Refusal, readAnswer } from "./answer.ts";
import { INSTRUCTIONS, repairInstructions } from "./instructions.ts";
import type { NamedModel } from "./models.ts";
import { VendorError } from "./vendor-error.ts";

const OUTPUT_TOKENS_MAX = 16_000;
/** Of its own bad answer, a model is shown so much. */
const SHOWN_CHARS_MAX = 20_000;

export interface LlmLimits {
  /** To the first word of an answer, ms, */
  firstItemMs: number;
  /** and from one to the next; also how long a trial of the scene may take. */
  idleMs: number;
  /** To the last word, ms: a model that drips holds up everybody without it. */
  answerMs: number;
}

/** How far a plan has got. */
export type PlanStep = { stage: "planning"; chars: number } | { stage: "validating" | "compiling" | "repairing" };

export interface LlmPlan {
  scene: Scene;
  trial: Trial;
}

/** Plans scenes with one language model, behind a breaker of its own. */
export class LlmPlanner {
  readonly name: string;
  readonly breaker: CircuitBreaker;
  readonly #model: NamedModel["model"];
  readonly #apiKey: string | undefined;
  readonly #pool: Pick<Pool, "try">;
  readonly #answerMs: number;

  constructor(
    { name, model, apiKey }: NamedModel,
    pool: Pick<Pool, "try">,
    { answerMs, ...limits }: LlmLimits,
    share: BreakerOptions["share"] | undefined,
  ) {
    this.name = name;
    this.#model = model;
    this.#apiKey = apiKey;
    this.#pool = pool;
    this.#answerMs = answerMs;
    this.breaker = circuitBreaker(`llm:${name}`, {
      ...limits,
      isFailure: llmVerdict,
      // A model whose every second answer has to be mended is of some use.
      failureRate: 0.6,
      concurrentMax: 16,
      retries: 2,
      ...(share === undefined ? {} : { share }),
    });
  }

  /**
   * A scene that has passed its trial. A bad answer is sent back once, with what is wrong with it. Rejects with `BadAnswer`,
   * `Refusal`, `BreakerError`, `PoolError`, `VendorError` or the signal's reason.
   */
  async plan(
    prompt: string,
    picture: Picture | undefined,
    signal: AbortSignal,
    tell: (step: PlanStep) => void,
  ): Promise<LlmPlan> {
    const asked: ModelMessage[] = [{ role: "user", content: contentOf(prompt, picture) }];
    try {
      return await this.#ask(asked, signal, tell);
    } catch (error) {
      if (!(error instanceof BadAnswer)) throw error;
      tell({ stage: "repairing" });
      const answer: ModelMessage = { role: "assistant", content: error.text.slice(0, SHOWN_CHARS_MAX) || "(nothing)" };
      const again: ModelMessage = { role: "user", content: repairInstructions(error.message) };
      return this.#ask([...asked, answer, again], signal, tell);
    }
  }

  /** Tries out a scene of this model's. Rejects with `BadAnswer` if it cannot be loaded, or explodes in its first second. */
  async try(scene: Scene, text: string = JSON.stringify(scene)): Promise<Trial> {
    try {
      return await this.#pool.try(scene);
    } catch (error) {
      if (!(error instanceof PoolError) || error.code === "capacity_full") throw error;
      throw new BadAnswer(`${error.code}: ${error.message}`, text);
    }
  }

  async #ask(messages: ModelMessage[], signal: AbortSignal, tell: (step: PlanStep) => void): Promise<LlmPlan> {
    const items = this.breaker.stream(
      (attempt) => {
        tell({ stage: "planning", chars: 0 });
        return this.#generate(messages, attempt.signal);
      },
      { signal },
    );
    for await (const item of items) {
      if ("scene" in item) return item;
      tell(item);
    }
    throw new Error("a stream without an end");
  }

  /** The answer as it grows, and then the scene: so a bad one counts against the model like an error in mid-stream. */
  async *#generate(messages: ModelMessage[], signal: AbortSignal): AsyncGenerator<PlanStep | LlmPlan, void> {
    let text = "";
    const dueMs = performance.now() + this.#answerMs;
    for await (text of this.#texts(messages, signal)) {
      if (performance.now() > dueMs)
        throw new BreakerError("call_timeout", `the answer is not whole after ${this.#answerMs} ms`);
      if (text.length > ANSWER_CHARS_MAX) throw new BadAnswer(`expected at most ${ANSWER_CHARS_MAX} characters`, text);
      yield { stage: "planning", chars: text.length };
    }
    yield { stage: "validating" };
    const scene = readAnswer(text);
    yield { stage: "compiling" };
    yield { scene, trial: await this.try(scene, text) };
  }

  /** All that has been said, each time there is more. */
  async *#texts(messages: ModelMessage[], signal: AbortSignal): AsyncGenerator<string, void> {
    // To leave the loop does not end the request.
    const left = new AbortController();
    const { fullStream } = streamText({
      model: this.#model,
      instructions: INSTRUCTIONS,
      messages,
      abortSignal: AbortSignal.any([signal, left.signal]),
      maxOutputTokens: OUTPUT_TOKENS_MAX,
      // The breaker's loop is the only one.
      maxRetries: 0,
      // Told below; the default prints it.
      onError() {},
    });
    let text = "";
    try {
      for await (const part of fullStream) {
        if (part.type === "text-delta") {
          text += part.text;
          yield text;
        } else if (part.type === "error") throw part.error;
        else if (part.type === "finish" && part.finishReason === "content-filter")
          throw new Refusal("the model declined");
        else if (part.type === "finish" && part.finishReason === "length")
          throw new BadAnswer("the answer was cut off for its length: make it shorter", text);
      }
      signal.throwIfAborted();
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof BadAnswer || error instanceof Refusal) throw error;
      throw new VendorError(error, this.#apiKey);
    } finally {
      left.abort();
    }
  }
}

/** Why a planner was not of use, for people. */
export function whyNot(name: string, error: unknown): string {
  if (error instanceof BadAnswer) return `${name} gave no scene that runs`;
  if (error instanceof Refusal) return `${name} would not: ${error.message}`;
  if (error instanceof PoolError) return `the scene of ${name} could not be tried out: ${error.message}`;
  if (error instanceof BreakerError) return `${name} ${WHY_NO_CALL[error.code]}`;
  if (!(error instanceof VendorError)) return `${name} failed`;
  const { statusCode } = error;
  if (statusCode === undefined) return `${name} could not be reached`;
  return statusCode < 400 ? `${name} broke off its answer` : `${name} answered with an error (${statusCode})`;
}

const WHY_NO_CALL: Record<BreakerErrorCode, string> = {
  circuit_open: "is out of order",
  bulkhead_full: "has too much to do",
  call_timeout: "took too long",
  option_invalid: "failed",
};

const llmVerdict: IsFailure = (outcome) => {
  if (outcome.ok) return false;
  const { error } = outcome;
  // The prompt's doing, or our own.
  if (error instanceof Refusal || error instanceof PoolError) return false;
  // Whoever has waited that long asks the next one.
  if (error instanceof BadAnswer || error instanceof BreakerError) return { isFailure: true };
  // The address or the name of the model is wrong.
  if (error instanceof VendorError && error.statusCode === 404) return { isFailure: true, needsAttention: true };
  return httpVerdict(outcome);
};

function contentOf(prompt: string, picture: Picture | undefined): Extract<ModelMessage, { role: "user" }>["content"] {
  if (!picture) return prompt;
  return [
    { type: "text", text: prompt },
    { type: "file", data: picture.data, mediaType: picture.mediaType },
  ];
}
