import { BreakerError, type CircuitBreaker } from "@holdfast/breaker";
import type { Resources } from "@holdfast/resources";
import type { Analysis, AnalysisInput } from "../cv/analysis.ts";
import { Analyzer, type AnalyzerOptions, type AnalyzerSnapshot } from "../cv/analyzer.ts";
import { SketchError, sketchProblem } from "../cv/sketch-error.ts";
import { Problem } from "../service/problem.ts";
import { CvClient, type CvClientOptions, reasonOf } from "./cv-client.ts";

export type ReadSketch = Analysis & {
  /** Who has read it: the CV service, or this process itself. */
  by: "cv" | "embedded";
};

export interface SketchReaderOptions {
  resources: Resources;
  /** Of the CV service. Without one, this process reads all by itself, images among them. */
  cvUrl: string | undefined;
  cv?: Partial<CvClientOptions>;
  embedded?: Partial<AnalyzerOptions>;
  /** Told of what nobody is hurt by, but should be known. */
  onError(error: unknown, what: string): void;
}

/** Of the images that are refused, how soon they may come again at the latest, s. */
const RETRY_SECONDS_MAX = 30;

/**
 * Reads sketches: by the CV service, if there is one. When that is out of order, strokes are read here, in a thread of their
 * own, and images are refused: what can bring down a process shall not be this one.
 */
export class SketchReader {
  /** How often, by `by` and outcome: "ok", or the code of the problem. */
  readonly counts = new Map<string, { by: string; outcome: string; count: number }>();
  readonly #options: SketchReaderOptions;
  readonly #cv: CvClient | undefined;
  /** Started with the first sketch that needs it. */
  #embedded: Analyzer | undefined;

  constructor(options: SketchReaderOptions) {
    this.#options = options;
    if (options.cvUrl !== undefined) this.#cv = new CvClient(options.cvUrl, options.cv);
  }

  get breaker(): CircuitBreaker | undefined {
    return this.#cv?.breaker;
  }

  /** Of the threads of this process. */
  snapshot(): AnalyzerSnapshot {
    return this.#embedded?.snapshot() ?? { threads: [], queued: 0 };
  }

  /** What people should know of the CV service: nothing, when all is well. */
  async check(): Promise<string | undefined> {
    const wrong = await this.#cv?.check();
    return wrong === undefined ? undefined : `${wrong}; strokes are read here, images are refused`;
  }

  /** Rejects with `Problem`, or the signal's reason. */
  async read(input: AnalysisInput, signal: AbortSignal): Promise<ReadSketch> {
    if (!this.#cv) return this.#readHere(input, signal);
    try {
      const analysis = await this.#cv.analyze(input, signal);
      return this.#counted({ ...analysis, by: "cv" });
    } catch (error) {
      signal.throwIfAborted();
      if (!("image" in input) && !isItsAnswer(error)) {
        this.#note(error, "the CV service did not read strokes");
        return this.#readHere(input, signal);
      }
      throw this.#counted(this.#refusal(error));
    }
  }

  async close(): Promise<void> {
    await this.#embedded?.close();
  }

  async #readHere(input: AnalysisInput, signal: AbortSignal): Promise<ReadSketch> {
    this.#embedded ??= new Analyzer(this.#options.resources, { threads: 1, ...this.#options.embedded });
    try {
      const analysis = await this.#embedded.analyze(input, signal);
      return this.#counted({ ...analysis, by: "embedded" });
    } catch (error) {
      throw error instanceof SketchError ? this.#counted(sketchProblem(error), "embedded") : error;
    }
  }

  #refusal(error: unknown): Problem {
    if (error instanceof Problem) return error;
    if (error instanceof BreakerError && error.code === "bulkhead_full")
      return sketchProblem(new SketchError("sketch_queue_full", "too many sketches are being read"));
    this.#note(error, "the CV service did not read an image");
    const openMs = this.breaker?.openMs ?? 0;
    return new Problem("sketch_reader_down", "images cannot be read at the moment; what is drawn here can", {
      retryAfterSeconds: Math.min(RETRY_SECONDS_MAX, Math.max(1, Math.ceil(openMs / 1000))),
    });
  }

  /** That the breaker is open was told when it opened. */
  #note(error: unknown, what: string): void {
    const isKnown = error instanceof Problem || (error instanceof BreakerError && error.code !== "call_timeout");
    if (!isKnown) this.#options.onError(error, `${what}: ${reasonOf(error)}`);
  }

  #counted<T extends ReadSketch | Problem>(what: T, by: string = what instanceof Problem ? "cv" : what.by): T {
    const outcome = what instanceof Problem ? what.code : "ok";
    const key = `${by} ${outcome}`;
    const known = this.counts.get(key) ?? { by, outcome, count: 0 };
    known.count++;
    this.counts.set(key, known);
    return what;
  }
}

/** Of the sketch; that others wait there is none. */
function isItsAnswer(error: unknown): boolean {
  return error instanceof Problem && error.code !== "sketch_queue_full";
}
