export type { Counters } from "./counters.ts";
export { LIMITS, type Limits } from "./limits.ts";
export type { Session } from "./line.ts";
export { memoryStore } from "./memory-store.ts";
export { type RedisStoreOptions, redisStore } from "./redis-store.ts";
export { SessionError, type SessionErrorCode } from "./session-error.ts";
export {
  createSessions,
  type Handling,
  type Messages,
  type Sessions,
  type SessionsEvents,
  type SessionsOptions,
} from "./sessions.ts";
export type { SessionInfo, SessionStore, StoreConnection, StoreEvents, StoreLimits } from "./store.ts";
export { type UpgradeAnswer, type UpgradeOptions, UpgradeRefusal } from "./upgrade.ts";
