/** What became of a call. */
export type Outcome<T = unknown> = { ok: true; value: T } | { ok: false; error: unknown };

/** What it says of the service. */
export interface Verdict {
  /** Whether it counts against the service. */
  isFailure: boolean;
  /** Whether the same call may come out otherwise soon. */
  isRetryable?: boolean;
  /** The service is to be left alone for so long, ms. */
  retryAfterMs?: number;
  /** Somebody has to do something, such as mend a key. */
  needsAttention?: boolean;
}

/** Says whether an outcome counts against the service; `true` is a failure that may be retried. */
export type IsFailure = (outcome: Outcome) => boolean | Verdict;

export const FINE: Verdict = { isFailure: false };
export const FAILED: Verdict = { isFailure: true, isRetryable: true };

/**
 * The usual reading of HTTP answers, as `fetch` resolves them and as clients throw them (`status` or `statusCode`;
 * `headers`, `responseHeaders` or `response.headers`). An error without a status is a failure of the line.
 *
 * | status | |
 * |---|---|
 * | 401, 402, 403 | counts, is not retried, needs attention: a key, a bill |
 * | 408, 425, 429, 500 and above (529 is Anthropic's "overloaded") | counts, may be retried, Retry-After is heeded |
 * | the other 400s | does not count: the request was at fault |
 */
export function httpVerdict(outcome: Outcome): Verdict {
  if (outcome.ok && !isResponse(outcome.value)) return FINE;
  const answer: unknown = outcome.ok ? outcome.value : outcome.error;
  const status = statusOf(answer);
  if (status === undefined) return outcome.ok ? FINE : FAILED;
  if (status < 400) return FINE;
  if (status === 401 || status === 402 || status === 403) return { isFailure: true, needsAttention: true };
  if (status < 500 && status !== 408 && status !== 425 && status !== 429) return FINE;
  const retryAfterMs = retryAfterMsOf(answer);
  return retryAfterMs === undefined ? FAILED : { ...FAILED, retryAfterMs };
}

/** Retry-After in ms, as seconds or as a date (RFC 9110, 10.2.3); undefined for what is neither. A time that is past is 0. */
export function parseRetryAfter(text: string, nowMs = Date.now()): number | undefined {
  const given = text.trim();
  if (/^\d+(\.\d+)?$/.test(given)) return Number(given) * 1000;
  // Date.parse takes much that is no date: "-5" is the year 2005 to it.
  const date = /^[A-Z][a-z]{2},? /.test(given) ? Date.parse(given) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

/**
 * Whether it is an answer of `fetch`; a value that merely has a field `status` is none. Not by `instanceof`: in Node, the
 * first mention of Response takes 50 ms, to load all of fetch.
 */
export function isResponse(value: unknown): boolean {
  return typeof value === "object" && value !== null && "bodyUsed" in value && "status" in value;
}

function statusOf(answer: unknown): number | undefined {
  if (typeof answer !== "object" || answer === null) return;
  const { status, statusCode } = answer as { status?: unknown; statusCode?: unknown };
  const found = status ?? statusCode;
  return typeof found === "number" && found >= 100 && found < 600 ? found : undefined;
}

function retryAfterMsOf(answer: unknown): number | undefined {
  const { headers, responseHeaders, response } = answer as {
    headers?: unknown;
    responseHeaders?: unknown;
    response?: { headers?: unknown } | null;
  };
  const text = header(headers ?? responseHeaders ?? response?.headers, "retry-after");
  return text === undefined ? undefined : parseRetryAfter(text);
}

function isHeaders(headers: object): headers is Headers {
  return "get" in headers && typeof headers.get === "function";
}

function header(headers: unknown, name: string): string | undefined {
  if (typeof headers !== "object" || headers === null) return;
  const found = isHeaders(headers) ? headers.get(name) : (headers as Record<string, unknown>)[name];
  return typeof found === "string" ? found : undefined;
}
