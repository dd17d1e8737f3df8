/** A point or direction in the machine's plane, m: x to the right, z up. */
export type Spot = readonly [x: number, z: number];

export function add([ax, az]: Spot, [bx, bz]: Spot): Spot {
  return [ax + bx, az + bz];
}

export function minus([ax, az]: Spot, [bx, bz]: Spot): Spot {
  return [ax - bx, az - bz];
}

export function times([x, z]: Spot, factor: number): Spot {
  return [x * factor, z * factor];
}

export function dot([ax, az]: Spot, [bx, bz]: Spot): number {
  return ax * bx + az * bz;
}

/** Positive when `b` lies counterclockwise of `a`, as seen. */
export function cross([ax, az]: Spot, [bx, bz]: Spot): number {
  return ax * bz - az * bx;
}

export function distance(a: Spot, b: Spot): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}

export function middle(a: Spot, b: Spot): Spot {
  return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
}

/** Of length 1; of nothing, to the right. */
export function unit(v: Spot): Spot {
  const length = Math.hypot(v[0], v[1]);
  return length > 0 ? [v[0] / length, v[1] / length] : [1, 0];
}

/** The direction a quarter turn to the right of it: out of a counterclockwise outline. */
export function outward([x, z]: Spot): Spot {
  return [z, -x];
}

/** Turned by `angle` rad counterclockwise about `about`. */
export function turned([x, z]: Spot, angle: number, [ox, oz]: Spot = [0, 0]): Spot {
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  return [ox + cosine * (x - ox) - sine * (z - oz), oz + sine * (x - ox) + cosine * (z - oz)];
}

/** An angle's like between -π and π. */
export function wrapped(angle: number): number {
  return Math.atan2(Math.sin(angle), Math.cos(angle));
}

export function pathLength(path: readonly Spot[]): number {
  return path.reduce((sum, point, at) => sum + (at > 0 ? distance(point, path[at - 1] ?? point) : 0), 0);
}

/** Of an outline, positive when it runs counterclockwise. */
export function signedArea(outline: readonly Spot[]): number {
  return outline.reduce((sum, point, at) => sum + cross(point, outline[(at + 1) % outline.length] ?? point) / 2, 0);
}

/** The middle of an outline's area; of one without area, the mean of its points. */
export function centroid(outline: readonly Spot[]): Spot {
  const mean = times(outline.reduce(add, [0, 0]), 1 / Math.max(1, outline.length));
  const about = outline.map((point) => minus(point, mean));
  const area = signedArea(about);
  const [width, height] = about.reduce(
    ([w, h], [x, z]) => [Math.max(w, Math.abs(x)), Math.max(h, Math.abs(z))],
    [0, 0],
  );
  if (Math.abs(area) < 1e-6 * width * height || area === 0) return mean;
  const sum = about.reduce<Spot>(
    (total, point, at) => {
      const next = about[(at + 1) % about.length] ?? point;
      return add(total, times(add(point, next), cross(point, next) / (6 * area)));
    },
    [0, 0],
  );
  return add(mean, sum);
}

/** Where on the stretch from `a` to `b` it is nearest to `point`, from 0 to 1. */
function along(point: Spot, a: Spot, b: Spot): number {
  const way = minus(b, a);
  const square = dot(way, way);
  return square > 0 ? Math.min(1, Math.max(0, dot(minus(point, a), way) / square)) : 0;
}

export function nearestOn(point: Spot, a: Spot, b: Spot): Spot {
  return add(a, times(minus(b, a), along(point, a, b)));
}

/** At most `most` of a path's points, those that matter most to its form; its ends stay. */
export function simplified(path: readonly Spot[], most: number, tolerance: number): Spot[] {
  for (let within = tolerance; ; within *= 1.5) {
    const kept = withoutStraights(path, within);
    if (kept.length <= Math.max(2, most)) return kept;
  }
}

/** Ramer-Douglas-Peucker. */
function withoutStraights(path: readonly Spot[], tolerance: number): Spot[] {
  const [first, last] = [path[0], path.at(-1)];
  if (!first || !last || path.length < 3) return [...path];
  let [worst, at] = [0, 0];
  path.forEach((point, index) => {
    const off = distance(point, nearestOn(point, first, last));
    if (off > worst) [worst, at] = [off, index];
  });
  if (worst <= tolerance) return [first, last];
  return [
    ...withoutStraights(path.slice(0, at + 1), tolerance).slice(0, -1),
    ...withoutStraights(path.slice(at), tolerance),
  ];
}
