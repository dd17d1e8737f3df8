import { circuitBreaker, guarded } from "./index.ts";

const breaker = circuitBreaker("quotes", { consecutiveFailures: 2 });

class Quotes {
  readonly #currency = "EUR";
  calls = 0;

  @guarded(breaker)
  async price(symbol: string, amount: number): Promise<string> {
    this.calls++;
    if (symbol === "?") throw new Error("no such symbol");
    return `${amount} ${symbol} in ${this.#currency}`;
  }
}

/** What comes of it, for the test that compiles this: Node itself takes no decorators. */
const quotes = new Quotes();
const told: unknown[] = [await quotes.price("X", 3)];
for (let i = 0; i < 3; i++) await quotes.price("?", 1).catch((error) => told.push(error.code ?? error.message));
told.push(quotes.calls, breaker.state, quotes.price.length);
process.stdout.write(JSON.stringify(told));
