/** An option of a health part is out of bounds. */
export class HealthError extends Error {
  override readonly name = "HealthError";
  readonly code = "option_invalid";
}

/** Throws `HealthError` unless each of `which` is a number within bounds. */
export function within<O extends string>(
  name: string,
  options: { readonly [K in O]: number },
  least: number,
  most: number,
  ...which: O[]
): void {
  for (const option of which) {
    const value: unknown = options[option];
    if (typeof value !== "number" || !(value >= least && value <= most))
      throw new HealthError(`${name}: ${option}: expected a number from ${least} to ${most}, got ${value}`);
  }
}
