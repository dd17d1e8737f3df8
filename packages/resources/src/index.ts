export { processResources, scope } from "./default-resources.ts";
export { KEYED_DEFAULTS, Keyed, type KeyedOptions } from "./keyed.ts";
export type { KindCounters, KindSnapshot } from "./kind.ts";
export type { LeakReport } from "./leak-watch.ts";
export { KIND_DEFAULTS, type KindOptions } from "./options.ts";
export { type BudgetUse, ResourceError, type ResourceErrorCode } from "./resource-error.ts";
export {
  type ResourceNews,
  Resources,
  type ResourcesEvents,
  type ResourcesOptions,
  type ResourcesSnapshot,
} from "./resources.ts";
export type { AcquireOptions, Create, Lease, Making, Release, Scope, ScopeOptions } from "./scope.ts";
