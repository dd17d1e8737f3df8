export type PoolErrorCode =
  | "scene_uncompilable"
  | "scene_unstable"
  | "scene_too_slow"
  | "capacity_full"
  | "simulation_failed";

/** A scene that must not run, or cannot now. */
export class PoolError extends Error {
  override readonly name = "PoolError";
  readonly code: PoolErrorCode;
  constructor(code: PoolErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
