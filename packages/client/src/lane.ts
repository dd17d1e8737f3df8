import { LANE_NAME_BYTES_MAX } from "@holdfast/protocol";
import { ClientError } from "./client-error.ts";
import { Listeners } from "./listeners.ts";

/** A lossy stream of values, latest only: frames, pointers, cursors. Iterate it, or call `on`. */
export interface Lane extends AsyncIterable<Uint8Array> {
  /** Calls the handler for every value that arrives, with a view that is the handler's to keep. Returns what takes it away again. */
  on(handler: (bytes: Uint8Array) => void): () => void;
  /** Sends a copy of the value, or keeps it until the line has room; the next value then replaces it. Never throws, never fills up. */
  send(bytes: Uint8Array): void;
  /**
   * The values from now on. Whoever is slower than they come gets the latest and not those between.
   * Ends when the connection is closed for good.
   */
  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined>;
}

/** The lane as the connection sees it. */
export class LatestLane implements Lane {
  /** The message that waits for room. */
  waiting: Uint8Array<ArrayBuffer> | undefined;
  readonly #header: Uint8Array;
  readonly #wake: () => void;
  /** Values, and `undefined` at the end. */
  readonly #values = new Listeners<Uint8Array | undefined>();
  #ended = false;

  constructor(name: string, wake: () => void) {
    const header = new TextEncoder().encode(` ${name}`);
    const length = header.length - 1;
    if (length === 0 || length > LANE_NAME_BYTES_MAX)
      throw new ClientError("lane_invalid", `lane name: expected 1 to ${LANE_NAME_BYTES_MAX} bytes, got ${length}`);
    header[0] = length;
    this.#header = header;
    this.#wake = wake;
  }

  on(handler: (bytes: Uint8Array) => void): () => void {
    return this.#values.add((bytes) => bytes && handler(bytes));
  }

  send(bytes: Uint8Array): void {
    const { length } = this.#header;
    this.waiting = new Uint8Array(length + bytes.length);
    this.waiting.set(this.#header);
    this.waiting.set(bytes, length);
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    let latest: Uint8Array | undefined;
    let wake = () => {};
    const off = this.#values.add((bytes) => {
      latest = bytes ?? latest;
      wake();
    });
    try {
      for (;;) {
        const bytes = latest;
        latest = undefined;
        if (bytes) yield bytes;
        else if (this.#ended) return;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    } finally {
      off();
    }
  }

  receive(bytes: Uint8Array): void {
    this.#values.tell(bytes);
  }

  end(): void {
    this.#ended = true;
    this.waiting = undefined;
    this.#values.tell(undefined);
  }
}
