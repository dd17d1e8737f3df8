/** What a check found: `warn` is worth a look, `fail` hurts people. */
export interface CheckResult {
  status: "pass" | "warn" | "fail";
  detail?: string;
  /** ISO 8601. */
  checkedAt: string;
  durationMs: number;
}

export type Check = () => Promise<string | undefined>;

const INTERVAL_MS = 5000;
const TIMEOUT_MS = 2000;

/**
 * Runs checks in the background, one at a time each, and remembers what they found: a probe reads that and reaches no
 * dependency. A check resolves, with a warning or nothing, or rejects.
 */
export class Health {
  readonly #checks: Record<string, Check>;
  readonly #results = new Map<string, CheckResult>();
  readonly #timer: NodeJS.Timeout;
  draining = false;

  private constructor(checks: Record<string, Check>) {
    this.#checks = checks;
    this.#timer = setInterval(() => void this.#refresh(), INTERVAL_MS);
    this.#timer.unref();
  }

  static async start(checks: Record<string, Check>): Promise<Health> {
    const health = new Health(checks);
    await health.#refresh();
    return health;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  report(): { status: "healthy" | "degraded" | "unhealthy"; checks: Record<string, CheckResult> } {
    const results = [...this.#results.values()];
    const status = results.some((each) => each.status === "fail")
      ? "unhealthy"
      : results.some((each) => each.status === "warn")
        ? "degraded"
        : "healthy";
    return { status, checks: Object.fromEntries(this.#results) };
  }

  async #refresh(): Promise<void> {
    await Promise.all(
      Object.entries(this.#checks).map(async ([name, check]) => {
        const started = performance.now();
        const found = await outcome(check);
        this.#results.set(name, {
          ...found,
          checkedAt: new Date().toISOString(),
          durationMs: Math.round(performance.now() - started),
        });
      }),
    );
  }
}

async function outcome(check: Check): Promise<Pick<CheckResult, "status" | "detail">> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => timeout.reject(new Error(`no answer within ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
  try {
    const warning = await Promise.race([check(), timeout.promise]);
    return warning === undefined ? { status: "pass" } : { status: "warn", detail: warning };
  } catch (error) {
    return { status: "fail", detail: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}
