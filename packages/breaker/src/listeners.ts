/** The listeners of one event. One that throws is reported like any uncaught error, and harms nothing else. */
export class Listeners<T> {
  #listeners: readonly ((value: T) => void)[] = [];

  /** Returns what takes the listener away again. */
  add(listener: (value: T) => void): () => void {
    const own = (value: T) => listener(value);
    this.#listeners = [...this.#listeners, own];
    return () => {
      this.#listeners = this.#listeners.filter((each) => each !== own);
    };
  }

  tell(value: T): void {
    for (const listener of this.#listeners) {
      try {
        listener(value);
      } catch (error) {
        reportUncaught(error);
      }
    }
  }
}

/** In a task of its own, so that what was going on goes on. */
export function reportUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
