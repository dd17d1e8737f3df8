import type { z } from "zod";
import { OBJECTS_MAX } from "../sim/templates/objects.ts";
import type { Template } from "../sim/templates/template.ts";
import type { Key } from "./lexicon.ts";
import type { Recipe } from "./recipe.ts";
import { formatValue, labelOf, type Value } from "./wording.ts";

const ROUNDS_MAX = 8;

/** The given parameters moved into the template's ranges; what was moved or cannot be is told. */
export function fitted(
  template: Template,
  given: ReadonlyMap<string, Value>,
  recipe: Recipe | undefined,
  ledger: { warn(text: string): void },
): Record<string, unknown> {
  const params: Record<string, unknown> = Object.fromEntries([...given].map(([param, { value }]) => [param, value]));
  const crowd = fewer(params.items);
  if (crowd) ledger.warn(crowd);
  for (const [param, choices] of Object.entries(recipe?.choices ?? {})) {
    const asked = params[param];
    if (typeof asked !== "number" || choices.includes(asked)) continue;
    params[param] = choices.reduce((best, each) => (Math.abs(each - asked) < Math.abs(best - asked) ? each : best));
    ledger.warn(`asked for ${asked} ${param}, made ${params[param]}`);
  }
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const result = template.params.safeParse(params);
    if (result.success) return params;
    for (const issue of result.error.issues) {
      const said = repair(params, issue, given, recipe);
      if (said) ledger.warn(said);
    }
  }
  return {};
}

/** Changes one parameter so that this issue goes away. */
function repair(
  params: Record<string, unknown>,
  issue: z.core.$ZodIssue,
  given: ReadonlyMap<string, Value>,
  recipe: Recipe | undefined,
): string | undefined {
  const path = issue.path;
  const last = path.at(-1);
  const holder = path.slice(0, -1).reduce<unknown>((at, key) => (isRecord(at) ? at[key] : undefined), params);
  if (!isRecord(holder) || last === undefined) return undefined;
  const asked = holder[last];
  if ((issue.code === "too_big" || issue.code === "too_small") && typeof asked === "number") {
    const bound = Number(issue.code === "too_big" ? issue.maximum : issue.minimum);
    holder[last] = bound;
    const param = String(path.findLast((each) => typeof each === "string") ?? last);
    return given.get(param)?.vague ? undefined : clamped(param, given.get(param)?.key, asked, bound, recipe);
  }
  if (issue.code === "invalid_type" && typeof asked === "number" && Number.isFinite(asked)) {
    holder[last] = Math.round(asked);
    return undefined;
  }
  delete holder[last];
  return `ignored: ${labelOf(String(last), recipe)}`;
}

function clamped(param: string, key: Key | undefined, asked: number, made: number, recipe: Recipe | undefined): string {
  const many = recipe?.name[1] ?? "things";
  if (param === "count" || key === "count")
    return `asked for ${asked} ${param === "count" ? (recipe?.labels?.count ?? many) : param}, made ${made}`;
  const show = (value: number) => formatValue(recipe?.units?.[param] ?? key ?? keyOf(param), value);
  return `asked for ${labelOf(param, recipe)} ${show(asked)}, made ${show(made)}`;
}

/** An item's parameter is named as what is said about it; its speed is a velocity. */
function keyOf(param: string): Key {
  return param === "velocity" ? "speed" : (param as Key);
}

/** Too many things in all: each kind keeps its share, and at least one. */
function fewer(items: unknown): string | undefined {
  if (!Array.isArray(items)) return undefined;
  const kinds = items.filter(isRecord);
  const counts = kinds.map((each) => Math.max(1, Number(each.count)));
  const total = counts.reduce((sum, each) => sum + each, 0);
  if (total <= OBJECTS_MAX) return undefined;
  const room = OBJECTS_MAX - kinds.length;
  const made = counts.map((each) => 1 + Math.floor(((each - 1) * room) / (total - kinds.length)));
  kinds.forEach((each, index) => {
    each.count = made[index];
  });
  return `asked for ${total} things, made ${made.reduce((sum, each) => sum + each, 0)}`;
}

function isRecord(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === "object" && value !== null;
}
