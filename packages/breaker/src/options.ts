import { BreakerError } from "./breaker-error.ts";
import type { CircuitSettings } from "./circuit.ts";
import { type Clock, SYSTEM_CLOCK } from "./clock.ts";
import type { TripStore } from "./shared-trip.ts";
import { httpVerdict, type IsFailure } from "./verdict.ts";

export interface BreakerOptions extends Partial<CircuitSettings> {
  /** A call that took as long counts as slow, ms. */
  slowCallMs?: number;
  /** How long one attempt may take, ms. */
  timeoutMs?: number;
  /** How long a stream may take to its first item, ms, */
  firstItemMs?: number;
  /** and from one item to the next. */
  idleMs?: number;
  /** Calls under way at once. */
  concurrentMax?: number;
  /** Attempts after the first. */
  retries?: number;
  /** The first retry comes within so long; the cap doubles with each. */
  backoffMs?: number;
  /** A call waits no longer than this for a retry, even if a Retry-After says so: it then fails. */
  backoffMsMax?: number;
  /** Retries that may be made on top of one for every ten calls. */
  retryBudget?: number;
  isFailure?: IsFailure;
  /** Where servers tell each other of a trip. */
  share?: TripStore;
  clock?: Clock;
}

export type BreakerSettings = Required<Omit<BreakerOptions, "share">> & { share: TripStore | undefined };

/** For calls that come ten a minute to five a second. What is Infinity is off. */
export const DEFAULTS: BreakerSettings = {
  // What it judges by
  window: { calls: 20, ageMsMax: 5 * 60_000 },
  callsMin: 10,
  failureRate: 0.5,
  consecutiveFailures: 5,
  slowCallMs: Number.POSITIVE_INFINITY,
  slowRate: 0.8,
  isFailure: httpVerdict,
  // Open and half-open
  openMs: 10_000,
  openMsMax: 5 * 60_000,
  retryAfterMsMax: 10 * 60_000,
  probes: 1,
  probeMsMax: 60_000,
  observeOnly: false,
  share: undefined,
  // One call
  timeoutMs: Number.POSITIVE_INFINITY,
  firstItemMs: Number.POSITIVE_INFINITY,
  idleMs: Number.POSITIVE_INFINITY,
  concurrentMax: Number.POSITIVE_INFINITY,
  retries: 0,
  backoffMs: 250,
  // Less than openMs: a call that has met the outage does not wait for the end of it.
  backoffMsMax: 5_000,
  retryBudget: 10,
  clock: SYSTEM_CLOCK,
};

/** The given options over the defaults. Throws `BreakerError` "option_invalid". */
export function settingsFrom(name: string, given: BreakerOptions): BreakerSettings {
  for (const option of Object.keys(given))
    if (!(option in DEFAULTS)) invalid(name, option, `one of ${Object.keys(DEFAULTS).join(", ")}`, option);
  const window = given.window ?? DEFAULTS.window;
  checkWindow(name, window);
  const inWindow = (calls: number) => ("calls" in window ? Math.min(calls, window.calls) : calls);
  const settings: BreakerSettings = {
    ...DEFAULTS,
    callsMin: inWindow(DEFAULTS.callsMin),
    consecutiveFailures: inWindow(DEFAULTS.consecutiveFailures),
    ...given,
  };
  const from = (least: number, isWhole: boolean, ...options: (keyof BreakerSettings)[]) => {
    for (const option of options) {
      const value = settings[option];
      const isOff = value === Number.POSITIVE_INFINITY && DEFAULTS[option] === value;
      const isFine = isWhole ? Number.isSafeInteger(value) : Number.isFinite(value);
      if (typeof value !== "number" || !(value >= least) || !(isFine || isOff))
        invalid(name, option, `${isWhole ? "a whole number" : "a number"} from ${least} on`, value);
    }
  };
  from(1, true, "callsMin", "consecutiveFailures", "probes", "concurrentMax");
  from(0, true, "retries", "retryBudget");
  from(1, false, "slowCallMs", "openMs", "probeMsMax", "timeoutMs", "firstItemMs", "idleMs");
  from(0, false, "backoffMs", "backoffMsMax", "retryAfterMsMax");
  for (const option of ["failureRate", "slowRate"] as const)
    if (!(settings[option] > 0 && settings[option] <= 1))
      invalid(name, option, "a number above 0, at most 1", settings[option]);
  if (!(settings.openMsMax >= settings.openMs)) invalid(name, "openMsMax", "at least openMs", settings.openMsMax);
  if ("calls" in window)
    for (const option of ["callsMin", "consecutiveFailures"] as const)
      if (settings[option] > window.calls)
        invalid(name, option, `at most window.calls, ${window.calls}`, settings[option]);
  return settings;
}

function checkWindow(name: string, window: CircuitSettings["window"]): void {
  if ("ms" in window) {
    if (!(window.ms >= 10 && window.ms < Number.POSITIVE_INFINITY))
      invalid(name, "window.ms", "a number from 10 on", window.ms);
  } else {
    if (!Number.isSafeInteger(window.calls) || window.calls < 1 || window.calls > 100_000)
      invalid(name, "window.calls", "a whole number from 1 to 100,000", window.calls);
    if (!(window.ageMsMax > 0)) invalid(name, "window.ageMsMax", "a number above 0", window.ageMsMax);
  }
}

function invalid(name: string, option: string, expected: string, got: unknown): never {
  throw new BreakerError("option_invalid", `${name}: ${option}: expected ${expected}, got ${got}`);
}
