import { HealthError, within } from "./health-error.ts";

/**
 * What a failing check means.
 * `required`: without it the service does not do its work: unhealthy. All servers share it, so none leaves rotation for it.
 * `optional`: something stands in for it, or can wait: degraded.
 * `local`: this server's own trouble: unhealthy, and not ready, so that others get its work.
 */
export type CheckKind = "required" | "optional" | "local";

/** Resolves with nothing, or with a warning; rejects when it fails. The signal is aborted when it takes too long. */
export type Probe = (signal: AbortSignal) => Promise<string | undefined> | string | undefined;

export interface Check {
  probe: Probe;
  kind?: CheckKind;
  /** From the end of one run to the next, ms, give or take a tenth. */
  intervalMs?: number;
  /** A run that takes longer has failed, ms. */
  timeoutMs?: number;
  /** Failures in a row that make it fail; fewer, after it has passed once, are a warning. */
  failAfter?: number;
}

export const CHECK_DEFAULTS = {
  kind: "required",
  intervalMs: 5_000,
  timeoutMs: 2_000,
  failAfter: 2,
} as const satisfies Omit<Check, "probe">;

export interface CheckResult {
  status: "pass" | "warn" | "fail";
  kind: CheckKind;
  detail?: string;
  /** ISO 8601: since when it has this status, */
  since: string;
  /** and when it was last looked at. */
  checkedAt: string;
  durationMs: number;
}

/** One check, looked at again and again in the background, never twice at once. */
export class WatchedCheck {
  readonly name: string;
  readonly #check: Required<Check>;
  readonly #onResult: (result: CheckResult, before: CheckResult | undefined) => void;
  readonly #ended = new AbortController();
  #result: CheckResult | undefined;
  #failures = 0;
  #pending: Promise<string | undefined> | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** Throws `HealthError`. */
  constructor(
    name: string,
    check: Check | Probe,
    onResult: (result: CheckResult, before: CheckResult | undefined) => void,
  ) {
    this.name = name;
    this.#check = { ...CHECK_DEFAULTS, ...(typeof check === "function" ? { probe: check } : check) };
    this.#onResult = onResult;
    const { kind } = this.#check;
    if (!["required", "optional", "local"].includes(kind))
      throw new HealthError(`${name}: kind: expected required, optional or local, got ${kind}`);
    within(name, this.#check, 1, 2 ** 31 / 1.1 - 1, "intervalMs", "timeoutMs");
    within(name, this.#check, 1, Number.MAX_SAFE_INTEGER, "failAfter");
  }

  get result(): CheckResult | undefined {
    return this.#result;
  }

  /** Looks once, then on and on until `end`. Never rejects. */
  async run(): Promise<void> {
    const started = performance.now();
    const found = await this.#look();
    if (this.#ended.signal.aborted) return;
    this.#keep(found, Math.round(performance.now() - started));
    // Servers that were started together do not ask together for ever.
    const waitMs = this.#check.intervalMs * (0.9 + 0.2 * Math.random());
    this.#timer = setTimeout(() => void this.run(), waitMs).unref();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#ended.abort();
  }

  async #look(): Promise<Pick<CheckResult, "status" | "detail">> {
    const { timeoutMs } = this.#check;
    const late = new AbortController();
    const timeout = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.abort();
      timeout.reject(new Error(`no answer within ${timeoutMs} ms`));
    }, timeoutMs).unref();
    try {
      const warning = await Promise.race([this.#probe(late.signal), timeout.promise]);
      this.#failures = 0;
      return warning === undefined ? { status: "pass" } : { status: "warn", detail: warning };
    } catch (error) {
      const detail =
        error instanceof Error ? error.message || String("code" in error ? error.code : error) : String(error);
      const isNews = this.#result === undefined || this.#result.status === "fail";
      return { status: isNews || ++this.#failures >= this.#check.failAfter ? "fail" : "warn", detail };
    } finally {
      clearTimeout(timer);
    }
  }

  /** One that still hangs is waited for, not joined by another. */
  #probe(late: AbortSignal): Promise<string | undefined> {
    this.#pending ??= (async () => this.#check.probe(AbortSignal.any([late, this.#ended.signal])))().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  #keep(found: Pick<CheckResult, "status" | "detail">, durationMs: number): void {
    const before = this.#result;
    const checkedAt = new Date().toISOString();
    const since = before?.status === found.status ? before.since : checkedAt;
    this.#result = { ...found, kind: this.#check.kind, since, checkedAt, durationMs };
    this.#onResult(this.#result, before);
  }
}
