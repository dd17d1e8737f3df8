/** What the work is given. */
export interface Attempt {
  /** Aborted when the attempt has taken too long, or its caller has given up: stop then. */
  readonly signal: AbortSignal;
  /** 1 for the first, 2 for the first retry. */
  readonly number: number;
}

/** Of a call that nothing can end early. Every signal is a new one: nobody's listeners pile up on it. */
export const PLAIN_ATTEMPT: Attempt = {
  get signal() {
    return new AbortController().signal;
  },
  number: 1,
};

/** A signal costs more than all the rest of a call, so there is one only if the work asks for it. */
export class StoppableAttempt implements Attempt {
  readonly number: number;
  #controller: AbortController | undefined;
  #reason: { is: unknown } | undefined;

  constructor(number: number) {
    this.number = number;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason) this.#controller.abort(this.#reason.is);
    return this.#controller.signal;
  }

  stop(reason: unknown): void {
    this.#reason = { is: reason };
    this.#controller?.abort(reason);
  }
}
