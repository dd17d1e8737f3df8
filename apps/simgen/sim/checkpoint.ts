const HEADER_BYTES = 8;

/**
 * The last state of a simulation, in memory that two threads share: so it is there when the thread that wrote it is gone,
 * even in the middle of a write. There are two halves, and which one is whole changes at once.
 */
export class Checkpoint {
  readonly buffer: SharedArrayBuffer;
  /** 0: nothing is written yet; 1, 2: that half is whole. */
  readonly #whole: Int32Array;
  readonly #halves: readonly [Float64Array, Float64Array];

  /** `buffer`: of `Checkpoint.bytes` bytes, zeroed. */
  constructor(buffer: SharedArrayBuffer) {
    const values = (buffer.byteLength - HEADER_BYTES) / Float64Array.BYTES_PER_ELEMENT / 2;
    this.buffer = buffer;
    this.#whole = new Int32Array(buffer, 0, 1);
    this.#halves = [
      new Float64Array(buffer, HEADER_BYTES, values),
      new Float64Array(buffer, HEADER_BYTES + values * Float64Array.BYTES_PER_ELEMENT, values),
    ];
  }

  static of(values: number): Checkpoint {
    return new Checkpoint(new SharedArrayBuffer(HEADER_BYTES + 2 * values * Float64Array.BYTES_PER_ELEMENT));
  }

  /** `write` fills what it is given. */
  write(write: (values: Float64Array) => void): void {
    const next = Atomics.load(this.#whole, 0) === 1 ? 1 : 0;
    write(this.#halves[next]);
    Atomics.store(this.#whole, 0, next + 1);
  }

  /** Undefined as long as nothing is written. The other thread must not write meanwhile: it is gone, or has stopped. */
  read(): Float64Array | undefined {
    const whole = Atomics.load(this.#whole, 0);
    return whole === 0 ? undefined : Float64Array.from(whole === 1 ? this.#halves[0] : this.#halves[1]);
  }
}
