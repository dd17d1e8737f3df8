import { randomFillSync } from "node:crypto";

const pool = Buffer.allocUnsafeSlow(4096);
let used = pool.length;

/** So many random bytes, as text that needs no escape in a URL. Drawn many at a time: asking for each costs more than all the rest. */
export function randomText(bytes: number): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const text = pool.toString("base64url", used, used + bytes);
  // Nobody finds a secret here later.
  pool.fill(0, used, used + bytes);
  used += bytes;
  return text;
}
