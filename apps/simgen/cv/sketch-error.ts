import { Problem } from "../service/problem.ts";
import type { ImageErrorCode } from "./trace/image-error.ts";

export type SketchErrorCode =
  | ImageErrorCode
  /** What is seen makes no machine. */
  | "sketch_not_understood"
  /** It brought down its thread. */
  | "sketch_failed"
  /** It was not read in time. */
  | "sketch_too_slow"
  /** No thread had room for it in time. */
  | "sketch_queue_full"
  /** No thread comes up, or all of them are going away. */
  | "sketch_reader_down";

/** A sketch that was not read; the message is for whoever drew it. */
export class SketchError extends Error {
  override readonly name = "SketchError";
  readonly code: SketchErrorCode;
  constructor(code: SketchErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const SKETCH_RETRY_SECONDS = { sketch_queue_full: 2, sketch_reader_down: 10 };

/** What may be told of a sketch that was not read. */
export function sketchProblem({ code, message }: SketchError): Problem {
  const retryAfterSeconds =
    code === "sketch_queue_full" || code === "sketch_reader_down" ? SKETCH_RETRY_SECONDS[code] : undefined;
  return new Problem(code, message, retryAfterSeconds === undefined ? {} : { retryAfterSeconds });
}
