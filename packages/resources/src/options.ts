import { ResourceError } from "./resource-error.ts";

/** The limits of one kind of resource. What is Infinity is off. */
export interface KindOptions {
  /** Held at once, those being made among them. */
  countMax: number;
  /** Held at once, by what `acquire` was told each takes. */
  bytesMax: number;
  /** How many may wait for room, */
  queueMax: number;
  /** and for how long, ms. */
  queueMsMax: number;
  /** Held for longer, it is reported as a leak, ms. */
  leakMs: number;
  /** How long a release may take before the next one's turn, ms. */
  releaseMsMax: number;
}

export const KIND_DEFAULTS: KindOptions = {
  countMax: Number.POSITIVE_INFINITY,
  bytesMax: Number.POSITIVE_INFINITY,
  queueMax: 1000,
  queueMsMax: 10_000,
  leakMs: Number.POSITIVE_INFINITY,
  releaseMsMax: 5_000,
};

/** setTimeout fires at once for more than this. */
export const WAIT_MS_MAX = 2 ** 31 - 1;

/** The given limits over the defaults. Throws `ResourceError` "option_invalid". */
export function limitsFrom(kind: string, given: Partial<KindOptions>): KindOptions {
  const limits = { ...KIND_DEFAULTS, ...given };
  checkNames(kind, given, KIND_DEFAULTS);
  atLeast(kind, limits, 1, "countMax", "bytesMax", "leakMs", "releaseMsMax");
  atLeast(kind, limits, 0, "queueMax", "queueMsMax");
  return limits;
}

export function checkNames(name: string, given: object, known: object): void {
  for (const option of Object.keys(given))
    if (!Object.hasOwn(known, option)) invalid(name, option, `one of ${Object.keys(known).join(", ")}`, option);
}

export function atLeast<O extends string>(
  name: string,
  options: { [K in O]: number },
  least: number,
  ...which: O[]
): void {
  for (const option of which) {
    const value: unknown = options[option];
    if (typeof value !== "number" || !(value >= least)) invalid(name, option, `a number from ${least} on`, value);
  }
}

export function invalid(name: string, option: string, expected: string, got: unknown): never {
  throw new ResourceError("option_invalid", `${name}: ${option}: expected ${expected}, got ${got}`);
}

/** What cannot be counted would spoil the budget for good. */
export function checkBytes(kind: string, bytes: number): void {
  if (!Number.isFinite(bytes) || bytes < 0) invalid(kind, "bytes", "a finite number from 0 on", bytes);
}
