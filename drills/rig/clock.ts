/** Milliseconds on the machine's monotonic clock: the same for all its processes, so what they note can be put in order. */
export function now(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}
