export { HEALTH_PATHS, type HealthAnswer, type HealthPath, healthAnswer } from "./answers.ts";
export { CHECK_DEFAULTS, type Check, type CheckKind, type CheckResult, type Probe } from "./check.ts";
export { ageCheck, diskCheck, eventLoopCheck, memoryCheck } from "./checks.ts";
export { Health, type HealthChange, type HealthOptions, type HealthReport, type Readiness } from "./health.ts";
export { HealthError } from "./health-error.ts";
export { MEMORY_GUARD_DEFAULTS, type MemoryGuardOptions, startMemoryGuard } from "./memory-guard.ts";
export { type MemoryUse, memoryUse } from "./memory-use.ts";
export { startWatchdog, WATCHDOG_DEFAULTS, type WatchdogOptions } from "./watchdog.ts";
