/** Steps of the chamfer distance of Borgefors 1986: sides and corners. */
const SIDE = 3;
const CORNER = 4;
const FAR = 60_000;

/** The distance of every pixel of ink from the nearest paper, in thirds of a pixel; a line of one pixel has 3. */
export function distancesIn(mask: Uint8Array, stride: number, pixels: Int32Array): Uint16Array {
  const distances = new Uint16Array(mask.length);
  for (let i = 0; i < pixels.length; i++) distances[pixels[i]!] = FAR;
  for (let i = 0; i < pixels.length; i++) approach(distances, pixels[i]!, -1, -stride);
  for (let i = pixels.length - 1; i >= 0; i--) approach(distances, pixels[i]!, 1, stride);
  return distances;
}

/** By what lies in one half of the neighbourhood. */
function approach(distances: Uint16Array, at: number, column: number, row: number): void {
  const side = Math.min(distances[at + column]!, distances[at + row]!) + SIDE;
  const corner = Math.min(distances[at + row + column]!, distances[at + row - column]!) + CORNER;
  distances[at] = Math.min(distances[at]!, side, corner);
}

/** The radius of the ink around a pixel of this distance, in pixels: a line of one or two has 0.75. */
export function radiusOf(distance: number): number {
  return distance / SIDE - 0.25;
}

/** The width of most lines: twice the median radius along their middles. Undefined if that is more than `max` pixels: these are no lines. */
export function penWidthIn(
  distances: Uint16Array,
  stride: number,
  pixels: Int32Array,
  max: number,
): number | undefined {
  const counts = new Uint32Array(Math.ceil((max / 2 + 1) * SIDE) + 1);
  let total = 0;
  for (const at of pixels) {
    const d = distances[at]!;
    if (!isMiddle(distances, at, stride)) continue;
    counts[Math.min(d, counts.length - 1)]!++;
    total++;
  }
  let sum = 0;
  for (let d = 0; d < counts.length; d++) {
    sum += counts[d]!;
    if (sum * 2 >= total) return 2 * radiusOf(d) <= max ? 2 * radiusOf(d) : undefined;
  }
  return undefined;
}

/**
 * The width of a line with this area and outline (Crofton's measure of it, from the pixels at its sides and corners): twice the
 * area by the outline. Not as whole a number as distances are, but solid shapes and holes count too.
 */
export function widthByOutline(mask: Uint8Array, stride: number, pixels: Int32Array): number {
  let [sides, corners] = [0, 0];
  for (const at of pixels) {
    for (const step of [1, -1, stride, -stride]) sides += 1 - mask[at + step]!;
    for (const step of [stride + 1, stride - 1, 1 - stride, -1 - stride]) corners += 1 - mask[at + step]!;
  }
  return (2 * pixels.length) / ((Math.PI / 8) * (sides + corners / Math.SQRT2));
}

/** Whether no pixel around is farther from paper. */
export function isMiddle(distances: Uint16Array, at: number, stride: number): boolean {
  const d = distances[at]!;
  for (let row = -stride; row <= stride; row += stride)
    for (let column = -1; column <= 1; column++) if (distances[at + row + column]! > d) return false;
  return true;
}
