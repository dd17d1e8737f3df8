import { Resources } from "./resources.ts";
import type { Scope, ScopeOptions } from "./scope.ts";

/** For those who need one only, and no limits. */
export const processResources = new Resources();

/** A scope of the process: `await using job = scope("job 17")`. */
export function scope(owner: string, options?: ScopeOptions): Scope {
  return processResources.scope(owner, options);
}
