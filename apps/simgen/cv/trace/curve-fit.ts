/** A circle and how far points are from it: root of the mean square. */
export interface CircleFit {
  x: number;
  y: number;
  radius: number;
  residual: number;
}

/** The circle that fits points best by x² + y² (Kasa 1976); its radius is infinite for points on a straight line. */
export function circleThrough(xs: readonly number[], ys: readonly number[]): CircleFit {
  const { n, mx, my, xx, xy, yy } = momentsOf(xs, ys);
  let [xz, yz] = [0, 0];
  for (let i = 0; i < n; i++) {
    const x = xs[i]! - mx;
    const y = ys[i]! - my;
    const z = x * x + y * y;
    xz += x * z;
    yz += y * z;
  }
  const determinant = 2 * (xx * yy - xy * xy);
  if (determinant < 1e-6 * (xx + yy) ** 2)
    return { x: mx, y: my, radius: Number.POSITIVE_INFINITY, residual: lineResidual(xs, ys) };
  const cx = (xz * yy - yz * xy) / determinant;
  const cy = (yz * xx - xz * xy) / determinant;
  const radius = Math.sqrt(cx * cx + cy * cy + (xx + yy) / n);
  let sum = 0;
  for (let i = 0; i < n; i++) sum += (Math.hypot(xs[i]! - mx - cx, ys[i]! - my - cy) - radius) ** 2;
  return { x: mx + cx, y: my + cy, radius, residual: Math.sqrt(sum / n) };
}

/** How far points are from the straight line that fits them best: root of the mean square. */
export function lineResidual(xs: readonly number[], ys: readonly number[]): number {
  const { n, xx, xy, yy } = momentsOf(xs, ys);
  return Math.sqrt(Math.max(0, (xx + yy) / 2 - Math.hypot((xx - yy) / 2, xy)) / n);
}

function momentsOf(xs: readonly number[], ys: readonly number[]) {
  const n = xs.length;
  let [mx, my, xx, xy, yy] = [0, 0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    mx += xs[i]! / n;
    my += ys[i]! / n;
  }
  for (let i = 0; i < n; i++) {
    const x = xs[i]! - mx;
    const y = ys[i]! - my;
    xx += x * x;
    xy += x * y;
    yy += y * y;
  }
  return { n, mx, my, xx, xy, yy };
}
