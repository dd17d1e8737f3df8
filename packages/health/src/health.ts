import { type Check, type CheckResult, type Probe, WatchedCheck } from "./check.ts";

export interface HealthReport {
  status: "healthy" | "degraded" | "unhealthy";
  checks: Record<string, CheckResult>;
}

export interface Readiness {
  ready: boolean;
  /** Why not, a line each. */
  reasons: string[];
}

/** A check has changed its status. */
export interface HealthChange {
  check: string;
  /** Undefined: it was looked at for the first time. */
  from: CheckResult["status"] | undefined;
  to: CheckResult["status"];
  detail: string | undefined;
}

export interface HealthOptions {
  checks?: Record<string, Check | Probe>;
  /** Called once a change. What it throws ends the process: it is the caller's own. */
  onChange?(change: HealthChange): void;
}

/**
 * What is known of this server's health. Its checks run in the background, each by itself, so whoever asks gets what was
 * found last and reaches no dependency (H1, H3).
 */
export class Health {
  readonly #checks: WatchedCheck[];
  #draining: string | undefined;
  #body: string | undefined;

  /** Throws `HealthError`. */
  constructor({ checks = {}, onChange }: HealthOptions = {}) {
    this.#checks = Object.entries(checks).map(
      ([name, check]) =>
        new WatchedCheck(name, check, (result, before) => {
          this.#body = undefined;
          if (before?.status !== result.status && !(before === undefined && result.status === "pass"))
            onChange?.({ check: name, from: before?.status, to: result.status, detail: result.detail });
        }),
    );
  }

  /** Resolves when each check was made once. It never rejects: a check that fails is a finding. */
  async start(): Promise<void> {
    await Promise.all(this.#checks.map((check) => check.run()));
  }

  /** From now on this server is not ready, and looks at nothing any more: what it depends on may go before it does. */
  drain(reason = "draining"): void {
    this.#draining = reason;
    this.close();
  }

  get isDraining(): boolean {
    return this.#draining !== undefined;
  }

  close(): void {
    for (const check of this.#checks) check.end();
  }

  report(): HealthReport {
    const results = this.#results();
    const hurts = ([, { status, kind }]: [string, CheckResult]) => status === "fail" && kind !== "optional";
    const status = results.some(hurts)
      ? "unhealthy"
      : results.every(([, result]) => result.status === "pass")
        ? "healthy"
        : "degraded";
    return { status, checks: Object.fromEntries(results) };
  }

  /** Whether this server should get work: what only it has trouble with counts, what all servers share does not (H2). */
  readiness(): Readiness {
    const reasons = this.#results().flatMap(([name, { kind, status, detail }]) =>
      kind === "local" && status === "fail" ? [`${name}: ${detail}`] : [],
    );
    if (this.#draining !== undefined) reasons.unshift(this.#draining);
    return { ready: reasons.length === 0, reasons };
  }

  /** The report for everybody, as JSON: details are for those who operate the server. Made once a finding. */
  publicBody(): string {
    if (this.#body === undefined) {
      const { status, checks } = this.report();
      const statuses = Object.entries(checks).map(([name, { status }]) => [name, { status }]);
      this.#body = JSON.stringify({ status, checks: Object.fromEntries(statuses) });
    }
    return this.#body;
  }

  #results(): [string, CheckResult][] {
    return this.#checks.flatMap(({ name, result }) => (result ? [[name, result]] : []));
  }
}
