const STEPS_MAX = 200;

/** What there was before, and what there was after it. */
export class History<T> {
  #past: T[] = [];
  #future: T[] = [];
  #present: T;

  constructor(present: T) {
    this.#present = present;
  }

  get present(): T {
    return this.#present;
  }

  get canUndo(): boolean {
    return this.#past.length > 0;
  }

  get canRedo(): boolean {
    return this.#future.length > 0;
  }

  /** Forgets what was undone, and what lies further back than `STEPS_MAX`. */
  push(next: T): void {
    this.#past = [...this.#past, this.#present].slice(-STEPS_MAX);
    this.#future = [];
    this.#present = next;
  }

  /** Does nothing at the beginning. */
  undo(): void {
    const before = this.#past.pop();
    if (before === undefined) return;
    this.#future.push(this.#present);
    this.#present = before;
  }

  /** Does nothing at the end. */
  redo(): void {
    const after = this.#future.pop();
    if (after === undefined) return;
    this.#past.push(this.#present);
    this.#present = after;
  }
}
