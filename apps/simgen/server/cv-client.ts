import { BreakerError, type CircuitBreaker, circuitBreaker, httpVerdict, type IsFailure } from "@holdfast/breaker";
import { z } from "zod";
import type { Analysis, AnalysisInput } from "../cv/analysis.ts";
import { recognitionSchema } from "../cv/sketch.ts";
import { imageFormatOf } from "../cv/trace/image-format.ts";
import { PROBLEMS, Problem, type ProblemCode } from "../service/problem.ts";
import { sceneSchema } from "../sim/scene.ts";

export interface CvClientOptions {
  /** How long strokes may take, which take milliseconds: they can be read here as well, ms; */
  strokesMs: number;
  /** an image: longer than the service's own queue and deadline together. */
  imageMs: number;
  /** Asked at once. */
  concurrentMax: number;
  /** When it is out of order, it is left alone for so long, more each time, up to the maximum, ms. */
  openMs: number;
  openMsMax: number;
}

export const CV_CLIENT_DEFAULTS: CvClientOptions = {
  strokesMs: 500,
  imageMs: 8_000,
  concurrentMax: 32,
  openMs: 2_000,
  openMsMax: 10_000,
};

/** A probe of health gives up before whoever watches it does. */
const HEALTH_MS = 1_000;
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;

/**
 * What the service refused or could not do, for what the sketch is: a bug among it. Whoever repeats such a sketch shall not
 * open the breaker for everybody. All else that goes wrong is its being out of order.
 */
const ITS_ANSWERS = new Set<ProblemCode>([
  ...["request_invalid", "json_malformed", "body_too_large"],
  ...["image_unsupported", "image_too_large", "image_damaged", "image_empty", "image_too_complex"],
  ...["sketch_not_understood", "sketch_failed", "sketch_too_slow", "sketch_queue_full", "internal_error"],
] as const);

const point = z.tuple([z.number(), z.number()]);
const analysisSchema: z.ZodType<Analysis> = z.object({
  drawing: z
    .object({
      ...{ width: z.number(), height: z.number(), strokes: z.array(z.array(point)) },
      texts: z.array(z.object({ text: z.string(), at: point })),
    })
    .nullable(),
  recognition: recognitionSchema,
  scene: sceneSchema.nullable(),
  understood: z.array(z.string()),
  warnings: z.array(z.string()),
});
const problemSchema = z.object({
  code: z.string(),
  detail: z.string(),
  retryAfterSeconds: z.number().min(0).max(3600).exactOptional(),
});

/** The CV service, behind a breaker. */
export class CvClient {
  readonly breaker: CircuitBreaker;
  readonly #url: string;
  readonly #strokesMs: number;

  constructor(url: string, options: Partial<CvClientOptions> = {}) {
    const { strokesMs, imageMs, ...limits } = { ...CV_CLIENT_DEFAULTS, ...options };
    this.#url = url.replace(/\/+$/, "");
    this.#strokesMs = strokesMs;
    this.breaker = circuitBreaker("cv", { ...limits, timeoutMs: imageMs, isFailure: cvVerdict });
  }

  /**
   * Rejects with `Problem` for what the service says of the sketch; with `BreakerError`, or another error, when it is out of
   * order; or with the signal's reason.
   */
  analyze(input: AnalysisInput, signal: AbortSignal): Promise<Analysis> {
    return this.breaker.call((attempt) => this.#ask(input, attempt.signal), { signal });
  }

  /** What is wrong with it, if anything is. */
  async check(): Promise<string | undefined> {
    if (this.breaker.state === "open")
      return `it is out of order, and left alone for ${Math.ceil(this.breaker.openMs / 1000)} s`;
    try {
      const response = await fetch(`${this.#url}/health/ready`, { signal: AbortSignal.timeout(HEALTH_MS) });
      await response.body?.cancel();
      return response.ok ? undefined : `it answers with ${response.status}`;
    } catch (error) {
      return reasonOf(error);
    }
  }

  async #ask({ prompt, ...sketch }: AnalysisInput, signal: AbortSignal): Promise<Analysis> {
    const isImage = "image" in sketch;
    const query = isImage && prompt !== undefined ? `?${new URLSearchParams({ prompt })}` : "";
    const response = await fetch(`${this.#url}/analyze${query}`, {
      method: "POST",
      redirect: "error",
      ...(isImage
        ? imageBody(sketch.image)
        : jsonBody({ ...flat(sketch), ...(prompt === undefined ? {} : { prompt }) })),
      signal: isImage ? signal : AbortSignal.any([signal, AbortSignal.timeout(this.#strokesMs)]),
    });
    const answer = await jsonOf(response);
    if (response.ok) return analysisSchema.parse(answer);
    throw problemOf(answer) ?? new CvError(`the CV service answered with ${response.status}`, response);
  }
}

/** It is out of order. */
class CvError extends Error {
  override readonly name = "CvError";
  /** For the breaker. */
  readonly response: Response;
  constructor(message: string, response: Response) {
    super(message);
    this.response = response;
  }
}

const cvVerdict: IsFailure = (outcome) => {
  if (outcome.ok || outcome.error instanceof Problem) return false;
  // There is something else at that address.
  if (outcome.error instanceof CvError && outcome.error.response.status < 500)
    return { isFailure: true, needsAttention: true };
  return httpVerdict(outcome);
};

function problemOf(answer: unknown): Problem | undefined {
  const { data } = problemSchema.safeParse(answer);
  if (!data || !isProblemCode(data.code) || !ITS_ANSWERS.has(data.code)) return;
  const { code, detail, retryAfterSeconds } = data;
  return new Problem(code, detail, retryAfterSeconds === undefined ? {} : { retryAfterSeconds });
}

function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(PROBLEMS, code);
}

/** Why it did not answer, for those who operate it. */
export function reasonOf(error: unknown): string {
  if (error instanceof BreakerError) return error.message;
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return "it takes too long";
  return error.cause instanceof Error ? error.cause.message || error.message : error.message;
}

async function jsonOf(response: Response): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new CvError(`an answer of more than ${ANSWER_BYTES_MAX} bytes`, response);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw new CvError(`the CV service answered with ${response.status} and no JSON`, response);
  }
}

function imageBody(image: Uint8Array): Pick<RequestInit, "body" | "headers"> {
  // A copy: fetch takes no shared memory.
  return { body: new Uint8Array(image), headers: { "content-type": `image/${imageFormatOf(image) ?? "png"}` } };
}

function jsonBody(value: unknown): Pick<RequestInit, "body" | "headers"> {
  return { body: JSON.stringify(value), headers: { "content-type": "application/json" } };
}

/** Strokes as the service takes them. */
function flat(sketch: Exclude<AnalysisInput, { image: Uint8Array }>): object {
  return "drawing" in sketch ? sketch.drawing : sketch;
}
