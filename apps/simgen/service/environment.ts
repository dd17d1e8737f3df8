import { readFileSync } from "node:fs";
import { z } from "zod";
import { issuesOf } from "../sim/issue.ts";

/** How long an event loop may stand still before its process is ended, ms. */
export const stallMs = z.coerce.number<string>().int().min(100).max(600_000).default(10_000);

/** How long a server that was told to end goes on answering, ms: for longer than a balancer keeps its connections. */
export const lingerMs = z.coerce.number<string>().int().min(0).max(60_000).default(0);

/** One line that names the variable, the value and what is expected. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code = "config_invalid";
}

/**
 * Reads and checks the environment; an empty variable, or an empty file, counts as missing. A secret NAME may also come from
 * the file that NAME_FILE names, and is never shown. Throws `ConfigError`.
 */
export function readEnvironment<S extends z.ZodType>(
  schema: S,
  env: NodeJS.ProcessEnv,
  secrets: readonly string[] = [],
): z.output<S> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ""));
  for (const name of secrets) {
    const file = given[`${name}_FILE`];
    if (file === undefined) continue;
    if (given[name] !== undefined) throw new ConfigError(`${name}_FILE: expected to be alone, got ${name} as well`);
    const secret = readSecret(`${name}_FILE`, file);
    if (secret !== "") given[name] = secret;
  }
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const [issue] = issuesOf(result.error, given);
  const isSecret = secrets.some((name) => name === issue?.path);
  throw new ConfigError(
    `${issue?.path}: expected ${issue?.expected}, got ${isSecret ? "something else (hidden)" : issue?.received}`,
  );
}

function readSecret(name: string, file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new ConfigError(
      `${name}: expected a readable file, got ${file} (${error instanceof Error ? error.message : error})`,
    );
  }
}
