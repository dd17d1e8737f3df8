import type { CircuitBreaker } from "./breaker.ts";

/** For a method: `@guarded(breaker)` makes every call of it go through the breaker (TC39 decorators). */
export function guarded(breaker: CircuitBreaker) {
  return <This, A extends unknown[], T>(
    method: (this: This, ...args: A) => Promise<T>,
    _context: ClassMethodDecoratorContext<This, (this: This, ...args: A) => Promise<T>>,
  ): ((this: This, ...args: A) => Promise<T>) =>
    function (this: This, ...args: A) {
      return breaker.call(() => method.apply(this, args));
    };
}
