/** A stream that may not be there yet. */
export class Source<T> {
  readonly #iterator: Promise<AsyncIterator<T>>;
  #last: Promise<unknown> = Promise.resolve();

  constructor(iterable: Promise<AsyncIterable<T>>) {
    this.#iterator = iterable.then((items) => items[Symbol.asyncIterator]());
  }

  next(): Promise<IteratorResult<T>> {
    const next = this.#iterator.then((iterator) => iterator.next());
    this.#last = next;
    return next;
  }

  /** Lets the stream clean up. Resolves when nothing of it is under way any more. */
  async stop(): Promise<void> {
    await Promise.allSettled([this.#iterator.then((iterator) => iterator.return?.()), this.#last]);
  }
}
