import { radiusOf } from "./distance-map.ts";
import type { Ink } from "./ink.ts";
import { codeAt, neighboursOf } from "./skeleton.ts";

/** Where lines meet. */
export interface Joint {
  x: number;
  y: number;
  /** Of the ink there, px: within it the thinned lines bend towards each other. */
  radius: number;
}

/** A line between joints, by the pixels on its way. */
export interface Branch {
  xs: number[];
  ys: number[];
  /** Half of the line's thickness on average, px. */
  radius: number;
  /** Indices of the joints at its first and its last pixel; undefined where it ends freely. */
  joints: [from: number | undefined, to: number | undefined];
  /** It has no ends: the last pixel is the first one's neighbour. */
  isLoop: boolean;
}

/** An end of a branch: at its first pixel (0) or its last (1). */
export interface End {
  branch: Branch;
  side: 0 | 1;
}

export interface SkeletonGraph {
  joints: Joint[];
  branches: Branch[];
}

const LINE = 1;
const JOINT = 2;
const DONE = 3;
/** How many neighbours each code stands for. */
const DEGREES = Uint8Array.from({ length: 256 }, (_, code) => code.toString(2).replaceAll("0", "").length);

/** The lines and joints of thinned ink; leaves marks in its mask. */
export function graphOf(ink: Ink): SkeletonGraph {
  const { mask, stride, pixels, distances } = ink;
  const around = neighboursOf(stride);
  const isEnd = new Uint8Array(pixels.length);
  const codes = pixels.map((at) => codeAt(mask, at, stride));
  for (let i = 0; i < pixels.length; i++) {
    const degree = DEGREES[codes[i]!]!;
    if (degree > 2) mask[pixels[i]!] = JOINT;
    else if (degree < 2) isEnd[i] = 1;
  }
  const { clusters, jointOf } = clustersIn(ink, around);
  const branches: Branch[] = [];
  const add = (start: number, before: number | undefined) => {
    const { path, end } = follow(mask, around, start, before);
    let radius = 0;
    for (const at of path) radius += radiusOf(distances[at]!);
    branches.push({
      xs: path.map((at) => (at % stride) - 1),
      ys: path.map((at) => Math.floor(at / stride) - 1),
      radius: radius / path.length,
      joints: [
        before === undefined ? undefined : jointOf.get(before),
        end === undefined ? undefined : jointOf.get(end),
      ],
      isLoop: false,
    });
  };
  for (const cluster of clusters)
    for (const at of cluster) for (const step of around) if (mask[at + step] === LINE) add(at + step, at);
  for (let i = 0; i < pixels.length; i++) if (isEnd[i] && mask[pixels[i]!] === LINE) add(pixels[i]!, undefined);
  for (const at of pixels) {
    if (mask[at] !== LINE) continue;
    add(at, undefined);
    branches.at(-1)!.isLoop = true;
  }
  return { joints: clusters.map((cluster) => jointAt(cluster, stride, distances)), branches };
}

/** Pixels of joints that touch are one joint. */
function clustersIn({ mask, pixels }: Ink, around: Int32Array) {
  const jointOf = new Map<number, number>();
  const clusters: number[][] = [];
  for (const start of pixels) {
    if (mask[start] !== JOINT || jointOf.has(start)) continue;
    const cluster = [start];
    jointOf.set(start, clusters.length);
    for (let i = 0; i < cluster.length; i++)
      for (const step of around) {
        const at = cluster[i]! + step;
        if (mask[at] !== JOINT || jointOf.has(at)) continue;
        jointOf.set(at, clusters.length);
        cluster.push(at);
      }
    clusters.push(cluster);
  }
  return { jointOf, clusters };
}

/** The way along a line from its first pixel, away from `before`, and the pixel of the joint in which it ends, if in one. */
function follow(mask: Uint8Array, around: Int32Array, start: number, before: number | undefined) {
  const path = [start];
  mask[start] = DONE;
  for (let at = start, last = before; ; ) {
    let next: number | undefined;
    for (let i = 0; i < around.length; i++) {
      const near = at + around[i]!;
      if (mask[near] === 0 || near === last) continue;
      next = near;
      break;
    }
    if (next === undefined || mask[next] === DONE) return { path, end: undefined };
    if (mask[next] === JOINT) return { path, end: next };
    mask[next] = DONE;
    path.push(next);
    last = at;
    at = next;
  }
}

function jointAt(cluster: readonly number[], stride: number, distances: Uint16Array): Joint {
  let [x, y, deepest] = [0, 0, 0];
  for (const at of cluster) {
    x += (at % stride) - 1;
    y += Math.floor(at / stride) - 1;
    deepest = Math.max(deepest, distances[at]!);
  }
  return { x: x / cluster.length, y: y / cluster.length, radius: radiusOf(deepest) };
}

/** Not `Math.hypot`, which takes ten times as long. */
export function lengthAlong(xs: readonly number[], ys: readonly number[]): number {
  let length = 0;
  for (let i = 1; i < xs.length; i++) {
    const dx = xs[i]! - xs[i - 1]!;
    const dy = ys[i]! - ys[i - 1]!;
    length += Math.sqrt(dx * dx + dy * dy);
  }
  return length;
}

export function lengthOf({ xs, ys }: Branch): number {
  return 1 + lengthAlong(xs, ys);
}

/** The ends of branches at each joint. */
export function endsAt({ joints, branches }: SkeletonGraph): End[][] {
  const ends: End[][] = joints.map(() => []);
  for (const branch of branches)
    for (const side of [0, 1] as const) {
      const joint = branch.joints[side];
      if (joint !== undefined) ends[joint]!.push({ branch, side });
    }
  return ends;
}
