import type { Clock } from "./clock.ts";

/** Where servers tell each other that a circuit has opened. Two calls, so that any store will do. */
export interface TripStore {
  /** How long the circuit of that name stays open, ms; 0 if nobody has opened it. */
  read(name: string): Promise<number>;
  /** It is open for so long. Forgotten after that, by the store itself. */
  write(name: string, openMs: number): Promise<void>;
}

/** How old what is known of the others may be. */
const CACHE_MS = 1000;
/** A store that takes longer is as good as down. */
const READ_MS_MAX = 100;

/** What the other servers know of an outage. With the store down, this server goes by what it sees itself. */
export class SharedTrip {
  readonly #name: string;
  readonly #store: TripStore;
  readonly #clock: Clock;
  readonly #open: (openMs: number) => void;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;
  #failures = 0;

  constructor(name: string, store: TripStore, clock: Clock, open: (openMs: number) => void) {
    this.#name = name;
    this.#store = store;
    this.#clock = clock;
    this.#open = open;
  }

  /** Reads and writes that have failed. */
  get failures(): number {
    return this.#failures;
  }

  get isFresh(): boolean {
    return this.#clock.now() - this.#readAtMs < CACHE_MS;
  }

  /** Resolves, soon and whatever happens, when what the others know is known. */
  look(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** Nobody waits for it. */
  tell(openMs: number): void {
    // What this server knows itself is as fresh as it gets.
    this.#readAtMs = this.#clock.now();
    attempt(() => this.#store.write(this.#name, openMs)).catch(() => this.#failures++);
  }

  async #read(): Promise<void> {
    const late = Promise.withResolvers<never>();
    const timer = this.#clock.after(READ_MS_MAX, () => late.reject(new Error("late")));
    try {
      const openMs = await Promise.race([this.#store.read(this.#name), late.promise]);
      if (openMs > 0) this.#open(openMs);
    } catch {
      this.#failures++;
    } finally {
      timer.cancel();
      this.#readAtMs = this.#clock.now();
    }
  }
}

/** A store that throws at once has failed like any other. */
async function attempt<T>(work: () => Promise<T>): Promise<T> {
  return work();
}
