import { Resources } from "./resources.ts";
import { Scope, ScopeCore, type ScopeOptions } from "./scope.ts";

/** For those who need one only, and no limits. */
export const processResources = new Resources();

/** A scope of the process: `await using job = scope("job 17")`. */
export function scope(owner: string, options?: ScopeOptions): Scope {
  // Not by its `scope`: a trace begins with who called this one.
  return new Scope(new ScopeCore(processResources, owner, undefined, options, scope));
}
