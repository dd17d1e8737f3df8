/** Nothing in a recognition could be a machine; `message` says why. */
export class MachineError extends Error {
  override readonly name = "MachineError";
  readonly code = "sketch_not_understood";
}
