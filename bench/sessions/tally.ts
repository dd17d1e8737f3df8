import { type Message, microseconds } from "./message.ts";
import type { ConnectOptions } from "./subject.ts";

const COMPLAINTS_MAX = 5;
const DELAYS_MAX = 1_000_000;

/** What all clients have received. Each must see messages 1, 2, 3 …, every one once. */
export class Tally {
  messages = 0;
  frames = 0;
  readonly #seen: number[] = [];
  readonly #complaints: string[] = [];
  #complaintCount = 0;
  #recordFrom = Number.POSITIVE_INFINITY;
  readonly #delays = new Float64Array(DELAYS_MAX);
  #delayCount = 0;

  receiver(index: number): ConnectOptions {
    this.#seen[index] = 0;
    let frame = 0;
    return {
      message: ({ n, at }: Message) => {
        const expected = (this.#seen[index] ?? 0) + 1;
        if (n === expected) this.#seen[index] = n;
        else this.#complain(`client ${index}: expected message ${expected}, got ${n}`);
        this.messages++;
        if (at >= this.#recordFrom && this.#delayCount < DELAYS_MAX)
          this.#delays[this.#delayCount++] = (microseconds() - at) / 1000;
      },
      frame: (bytes) => {
        const n = bytes.readUInt32LE();
        if (n <= frame) this.#complain(`client ${index}: frame ${n} came after ${frame}`);
        frame = n;
        this.frames++;
      },
      failed: (why) => this.#complain(`client ${index}: ${why}`),
    };
  }

  recordDelays(): void {
    this.#recordFrom = microseconds();
  }

  /** Milliseconds. */
  delays(): { p50: number; p99: number } {
    const sorted = this.#delays.slice(0, this.#delayCount).sort();
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
    return { p50: at(0.5), p99: at(0.99) };
  }

  /** What does not agree with so many messages, spread evenly over so many clients. */
  wrong(expected: number, clients: number): string[] {
    const found = [...this.#complaints];
    if (this.#complaintCount > found.length) found.push(`and ${this.#complaintCount - found.length} more`);
    if (this.messages !== expected) found.push(`${expected} messages were sent, ${this.messages} came`);
    const each = Math.floor(expected / clients);
    const more = expected % clients;
    for (const [index, seen] of this.#seen.entries())
      if (seen !== each + (index < more ? 1 : 0)) {
        found.push(`client ${index} has seen ${seen} of ${each + (index < more ? 1 : 0)}`);
        break;
      }
    return found;
  }

  #complain(what: string): void {
    if (++this.#complaintCount <= COMPLAINTS_MAX) this.#complaints.push(what);
  }
}
