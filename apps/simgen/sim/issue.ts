import type { z } from "zod";

/** One thing wrong with an input: where, what was expected, what came. */
export interface Issue {
  /** JavaScript-style path into the input, such as `bodies[2].joints[0].range`; empty for the input itself. */
  path: string;
  expected: string;
  /** The offending value as JSON, shortened. */
  received: string;
}

const ISSUES_MAX = 20;
const RECEIVED_CHARS_MAX = 80;
/** Of a value that is shown, so deep, and so many items or fields wide: what is more costs nobody time. */
const SHOWN_DEPTH_MAX = 4;
const SHOWN_WIDTH_MAX = 40;

/** Turns a zod error over `input` into issues a caller can act on; at most 20 of them. */
export function issuesOf(error: z.ZodError, input: unknown): Issue[] {
  return error.issues.slice(0, ISSUES_MAX).map((issue) => ({
    path: formatPath(issue.path),
    expected: expectation(issue),
    received:
      issue.code === "unrecognized_keys" ? `also ${issue.keys.slice(0, 5).join(", ")}` : shown(input, issue.path),
  }));
}

/** `bodies[0].pos: expected 3 numbers, got "x"` */
export function formatIssue(issue: Issue): string {
  return `${issue.path || "input"}: expected ${issue.expected}, got ${issue.received}`;
}

function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return issue.expected === "nonoptional" ? "a value" : issue.expected;
    case "too_big":
      return `at most ${issue.maximum}${unit(issue.origin)}`;
    case "too_small":
      return `at least ${issue.minimum}${unit(issue.origin)}`;
    case "invalid_value":
      return issue.values.length === 1 ? JSON.stringify(issue.values[0]) : `one of ${issue.values.join(", ")}`;
    case "unrecognized_keys":
      return "no unknown fields";
    case "invalid_union":
      return issue.message === "Invalid input" ? "one of the documented forms" : issue.message;
    case "invalid_format":
      return issue.format === "regex" ? issue.message : issue.format;
    default:
      return issue.message;
  }
}

function unit(origin: string): string {
  if (origin === "string") return " characters";
  if (origin === "array") return " items";
  return "";
}

function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, key) => (typeof key === "number" ? `${text}[${key}]` : text ? `${text}.${String(key)}` : String(key)),
    "",
  );
}

function shown(input: unknown, path: readonly PropertyKey[]): string {
  let value: unknown = input;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return "nothing";
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  if (value === undefined) return "nothing";
  if (typeof value === "number") return String(value);
  const text = JSON.stringify(beginning(value)) ?? typeof value;
  return text.length > RECEIVED_CHARS_MAX ? `${text.slice(0, RECEIVED_CHARS_MAX)}…` : text;
}

/** As much of it as can be shown: a body may be megabytes long, or deeper than JSON.stringify goes. */
function beginning(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return value.slice(0, RECEIVED_CHARS_MAX);
  if (typeof value !== "object" || value === null) return value;
  if (depth === SHOWN_DEPTH_MAX) return "…";
  if (Array.isArray(value)) return value.slice(0, SHOWN_WIDTH_MAX).map((each) => beginning(each, depth + 1));
  const fields = Object.entries(value).slice(0, SHOWN_WIDTH_MAX);
  return Object.fromEntries(fields.map(([key, each]) => [key, beginning(each, depth + 1)]));
}
