export interface Polygon {
  xs: number[];
  ys: number[];
}

/** Positive if it is gone around clockwise as seen, y being down. */
export function areaOf(xs: readonly number[], ys: readonly number[]): number {
  let sum = 0;
  for (let i = 0, j = xs.length - 1; i < xs.length; j = i++) sum += xs[j]! * ys[i]! - xs[i]! * ys[j]!;
  return sum / 2;
}

/** The convex hull: Andrew 1979. */
export function hullOf(xs: readonly number[], ys: readonly number[]): Polygon {
  const order = [...xs.keys()].sort((a, b) => xs[a]! - xs[b]! || ys[a]! - ys[b]!);
  const chain = (indices: readonly number[]): number[] => {
    const hull: number[] = [];
    for (const c of indices) {
      for (; hull.length >= 2; hull.pop()) {
        const [a, b] = [hull.at(-2)!, hull.at(-1)!];
        if ((xs[b]! - xs[a]!) * (ys[c]! - ys[a]!) > (ys[b]! - ys[a]!) * (xs[c]! - xs[a]!)) break;
      }
      hull.push(c);
    }
    return hull.slice(0, -1);
  };
  const hull = [...chain(order), ...chain(order.toReversed())];
  return { xs: hull.map((i) => xs[i]!), ys: hull.map((i) => ys[i]!) };
}

/** How many corners are left of a convex polygon without those that stand out by less than `tolerance` from the line between their neighbours. */
export function cornersOf({ xs, ys }: Polygon, tolerance: number): number {
  const left = xs.map((x, i) => ({ x, y: ys[i]! }));
  while (left.length > 2) {
    let [least, flattest] = [tolerance, -1];
    left.forEach((corner, i) => {
      const a = left.at(i - 1)!;
      const b = left[(i + 1) % left.length]!;
      const area = Math.abs((b.x - a.x) * (corner.y - a.y) - (b.y - a.y) * (corner.x - a.x));
      const height = area / (Math.hypot(b.x - a.x, b.y - a.y) || 1);
      if (height < least) [least, flattest] = [height, i];
    });
    if (flattest < 0) break;
    left.splice(flattest, 1);
  }
  return left.length;
}

/** The least area of a box, at any angle, around a convex polygon: one of its sides lies on one of the polygon's (Freeman 1975). */
export function areaOfBoxAround({ xs, ys }: Polygon): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0, j = xs.length - 1; i < xs.length; j = i++) {
    const [dx, dy] = [xs[i]! - xs[j]!, ys[i]! - ys[j]!];
    const extentBy = (ux: number, uy: number) => {
      const along = xs.map((x, k) => x * ux + ys[k]! * uy);
      return Math.max(...along) - Math.min(...along);
    };
    least = Math.min(least, (extentBy(dx, dy) * extentBy(-dy, dx)) / (dx * dx + dy * dy));
  }
  return least;
}
