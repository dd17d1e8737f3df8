/** The handlers of one event. One that throws is reported like any uncaught error, and harms nothing else. */
export class Listeners<T> {
  #handlers: readonly ((value: T) => void)[] = [];

  /** Returns what takes the handler away again. */
  add(handler: (value: T) => void): () => void {
    const own = (value: T) => handler(value);
    this.#handlers = [...this.#handlers, own];
    return () => {
      this.#handlers = this.#handlers.filter((each) => each !== own);
    };
  }

  tell(value: T): void {
    for (const handler of this.#handlers) {
      try {
        handler(value);
      } catch (error) {
        // Node has no reportError; there, this ends in "uncaughtException".
        if ("reportError" in globalThis) reportError(error);
        else
          queueMicrotask(() => {
            throw error;
          });
      }
    }
  }
}
