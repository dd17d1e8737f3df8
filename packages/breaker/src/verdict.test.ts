import assert from "node:assert/strict";
import { test } from "node:test";
import { httpVerdict, isResponse, parseRetryAfter } from "./verdict.ts";

test("what counts, what may be tried again, what needs somebody, by status", () => {
  const verdict = (status: number) => {
    const { isFailure, isRetryable, needsAttention } = httpVerdict({ ok: false, error: { status } });
    return [isFailure && "counts", isRetryable && "retry", needsAttention && "attention"].filter(Boolean).join(" ");
  };
  for (const status of [400, 404, 409, 413, 422, 451]) assert.equal(verdict(status), "", `${status}`);
  for (const status of [401, 402, 403]) assert.equal(verdict(status), "counts attention", `${status}`);
  for (const status of [408, 425, 429, 500, 502, 503, 504, 529])
    assert.equal(verdict(status), "counts retry", `${status}`);
});

test("a failure of the line, an answer that broke off, and whatever has no status counts and may be tried again", () => {
  for (const error of [
    new TypeError("fetch failed"),
    undefined,
    null,
    "oops",
    7,
    { status: "down" },
    { status: 7 },
    { status: 200 },
  ])
    assert.deepEqual(httpVerdict({ ok: false, error }), { isFailure: true, isRetryable: true });
});

test("a value is fine, also one with a field status, unless it is an answer of fetch", () => {
  for (const value of [undefined, null, 500, "text", { status: 500 }, { status: 503, headers: {} }])
    assert.equal(httpVerdict({ ok: true, value }).isFailure, false);
  assert.equal(httpVerdict({ ok: true, value: new Response(null, { status: 500 }) }).isFailure, true);
  assert.equal(isResponse(new Response()), true);
});

test("status and Retry-After are found where HTTP clients put them", () => {
  const headers = { "retry-after": "7" };
  const errors: Record<string, object> = {
    "OpenAI, Anthropic": { status: 429, headers: new Headers(headers) },
    "AI SDK": { statusCode: 429, responseHeaders: headers },
    axios: { response: { status: 429, headers } },
    ky: { response: new Response(null, { status: 429, headers }) },
    "in capitals": { status: 429, headers: { "Retry-After": "7" } },
  };
  for (const [client, error] of Object.entries(errors))
    assert.deepEqual(
      httpVerdict({ ok: false, error }),
      { isFailure: true, isRetryable: true, retryAfterMs: 7000 },
      client,
    );
  const response = new Response(null, { status: 503, headers });
  assert.equal(httpVerdict({ ok: true, value: response }).retryAfterMs, 7000);
});

test("headers that are none, or a Retry-After that is no text, do no harm", () => {
  for (const headers of [
    undefined,
    null,
    7,
    "retry-after: 7",
    [],
    { "retry-after": 7 },
    { get: "retry-after" },
    new Headers(),
  ])
    assert.deepEqual(httpVerdict({ ok: false, error: { status: 429, headers } }), {
      isFailure: true,
      isRetryable: true,
    });
  assert.equal(httpVerdict({ ok: false, error: { status: 429, response: null } }).isFailure, true);
});

test("Retry-After is a number of seconds, or a date in any of the three forms of HTTP", () => {
  const now = Date.UTC(1994, 10, 6, 8, 49, 7);
  const cases: [string, number | undefined][] = [
    ["30", 30_000],
    [" 30 ", 30_000],
    ["1.5", 1500],
    ["0", 0],
    ["99999999999999999999", 1e23],
    ["Sun, 06 Nov 1994 08:49:37 GMT", 30_000],
    ["Sunday, 06-Nov-94 08:49:37 GMT", 30_000],
    ["Sun Nov  6 08:49:37 1994", 30_000],
    ["Sun, 06 Nov 1994 08:00:00 GMT", 0],
  ];
  for (const [text, ms] of cases) assert.equal(parseRetryAfter(text, now), ms, text);
  for (const text of ["", "-5", "soon", "5s", "1e3", "Infinity", "NaN", "Sun", "Sun, 99 Nov 1994", "Sunny day", "1,5"])
    assert.equal(parseRetryAfter(text, now), undefined, text);
});

test("a date without GMT is in GMT, wherever the server is", (t) => {
  const zone = process.env.TZ;
  process.env.TZ = "America/New_York";
  t.after(() => {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  });
  assert.equal(parseRetryAfter("Sun Nov  6 08:49:37 1994", Date.UTC(1994, 10, 6, 8, 49, 7)), 30_000);
});
