import { Worker } from "node:worker_threads";
import type { FromReader, ToReader } from "./tesseract-worker.ts";

/** What was read in a picture. */
export interface Reading {
  text: string;
  /** From 0 to 1. */
  confidence: number;
}

/** WebAssembly's own memory, some 40 MB, is not among it. */
const HEAP_MB_MAX = 64;

/** Tesseract in a thread of its own, which can be ended in the middle of a picture. Ends with the thread that made it. */
export class Tesseract {
  readonly ready: Promise<void>;
  /** Why it is of no use any more. */
  failure: Error | undefined;
  isReady = false;
  readonly #thread: Worker;
  readonly #ready = Promise.withResolvers<void>();
  readonly #waiting = new Map<number, PromiseWithResolvers<Reading>>();
  #count = 0;

  constructor(entry = new URL("./tesseract-worker.ts", import.meta.url)) {
    this.ready = this.#ready.promise;
    this.ready.catch(() => {});
    this.#thread = new Worker(entry, {
      name: "label reader",
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX, maxYoungGenerationSizeMb: 8 },
    });
    this.#thread.on("message", (message: FromReader) => this.#receive(message));
    this.#thread.on("error", (error) => this.#fail(error instanceof Error ? error : new Error(String(error))));
    this.#thread.on("exit", () => this.#fail(new Error("its thread has ended")));
    // Nobody stays for it; while something is read, whoever waits for it stays by a timer. A listener would hold it again.
    this.#thread.unref();
  }

  /** Reads a PGM with one line of writing. Rejects when its thread ends. */
  async read(image: Uint8Array): Promise<Reading> {
    await this.ready;
    if (this.failure) throw this.failure;
    const id = ++this.#count;
    const waiting = Promise.withResolvers<Reading>();
    this.#waiting.set(id, waiting);
    this.#thread.postMessage({ id, image } satisfies ToReader);
    return waiting.promise;
  }

  async close(): Promise<void> {
    await this.#thread.terminate();
  }

  #receive(message: FromReader): void {
    if ("ready" in message) {
      this.isReady = true;
      this.#ready.resolve();
      return;
    }
    this.#waiting.get(message.id)?.resolve(message);
    this.#waiting.delete(message.id);
  }

  #fail(error: Error): void {
    this.failure ??= error;
    this.#ready.reject(this.failure);
    for (const { reject } of this.#waiting.values()) reject(this.failure);
    this.#waiting.clear();
  }
}
