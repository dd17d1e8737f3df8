/** What became of a call. */
export type Outcome<T = unknown> = { ok: true; value: T } | { ok: false; error: unknown };

/** What it says of the service. */
export interface Verdict {
  /** Whether it counts against the service. */
  isFailure: boolean;
  /** Whether the same call may come out otherwise soon. */
  isRetryable?: boolean;
  /** Of a failure: the service is to be left alone for so long, ms. */
  retryAfterMs?: number;
  /** Somebody has to do something, such as mend a key. */
  needsAttention?: boolean;
}

/** Says whether an outcome counts against the service; `true` is a failure that may be retried. */
export type IsFailure = (outcome: Outcome) => boolean | Verdict;

export const FINE: Verdict = { isFailure: false };
export const FAILED: Verdict = { isFailure: true, isRetryable: true };

/**
 * The usual reading of HTTP answers, as `fetch` resolves them and as clients throw them (`status`, `statusCode` or
 * `response.status`; `headers`, `responseHeaders` or `response.headers`). An error without a status is a failure of the line.
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
  // An error with such a status is an answer that broke off.
  if (status < 400) return outcome.ok ? FINE : FAILED;
  if (status === 401 || status === 402 || status === 403) return { isFailure: true, needsAttention: true };
  if (status < 500 && status !== 408 && status !== 425 && status !== 429) return FINE;
  const retryAfterMs = retryAfterMsOf(answer);
  return retryAfterMs === undefined ? FAILED : { ...FAILED, retryAfterMs };
}

/** Retry-After in ms, as seconds or as a date (RFC 9110, 10.2.3); undefined for what is neither. A time that is past is 0. */
export function parseRetryAfter(text: string, nowMs = Date.now()): number | undefined {
  const given = text.trim();
  if (/^\d+(\.\d+)?$/.test(given)) return Number(given) * 1000;
  // Date.parse takes much that is no date: "-5" is the year 2005 to it. An HTTP date is always in GMT, even if it does not say so.
  const isDate = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /.test(given);
  const date = isDate ? Date.parse(given.endsWith("GMT") ? given : `${given} GMT`) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

/** What every `fetch` answers with, whoever's it is. */
export interface ResponseLike {
  status: unknown;
  bodyUsed: unknown;
  body?: { cancel?(): Promise<void> } | null;
}

/**
 * Whether it is an answer of `fetch`; a value that merely has a field `status` is none. Not by `instanceof`: in Node, the
 * first mention of Response takes 50 ms, to load all of fetch.
 */
export function isResponse(value: unknown): value is ResponseLike {
  return typeof value === "object" && value !== null && "bodyUsed" in value && "status" in value;
}

function statusOf(answer: unknown): number | undefined {
  if (typeof answer !== "object" || answer === null) return;
  const { status, statusCode, response } = answer as {
    status?: unknown;
    statusCode?: unknown;
    response?: { status?: unknown } | null;
  };
  const found = status ?? statusCode ?? response?.status;
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
  const found = isHeaders(headers)
    ? headers.get(name)
    : Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  return typeof found === "string" ? found : undefined;
}
