import type { Branch, End, SkeletonGraph } from "./skeleton-graph.ts";

/** A pixel of a branch. */
export interface Place {
  branch: Branch;
  /** Its index. */
  at: number;
}

/** Where an end is to be. */
export interface Stop extends Place {
  end: End;
}

/** Nearer to a joint, in widths of the pen, a line is not cut: the end is there. */
const NEAR_PENS = 2;

/** Lets ends be on lines, which are cut there. */
export function endOnLines(graph: SkeletonGraph, stops: readonly Stop[], penPx: number): void {
  const near = NEAR_PENS * penPx;
  const cuts = new Map<Branch, { at: number; joint: number }[]>();
  for (const { branch, at, end } of stops) {
    const { xs, ys, joints } = branch;
    const own = cuts.get(branch) ?? [];
    const [from, to] = joints;
    let joint = at < near ? from : xs.length - at < near ? to : undefined;
    joint ??= own.find((cut) => Math.abs(cut.at - at) < near)?.joint;
    if (joint === undefined) {
      joint = graph.joints.push({ x: xs[at]!, y: ys[at]!, radius: penPx / 2 }) - 1;
      cuts.set(branch, [...own, { at, joint }]);
    }
    end.branch.joints[end.side] = joint;
  }
  graph.branches = graph.branches.flatMap((branch) => {
    const { xs, ys, joints } = branch;
    const inner = cuts.get(branch) ?? [];
    const all = [
      { at: 0, joint: joints[0] },
      ...inner.sort((a, b) => a.at - b.at),
      { at: xs.length, joint: joints[1] },
    ];
    return all.slice(1).map((to, i): Branch => {
      const from = all[i]!;
      return inner.length === 0
        ? branch
        : { ...branch, xs: xs.slice(from.at, to.at), ys: ys.slice(from.at, to.at), joints: [from.joint, to.joint] };
    });
  });
}
