/** What hangs together in a mask of 0 and 1 whose border is 0, also over corners: each patch is some of the runs within rows. */
export interface Patches {
  /** First index of each run in the mask, from the top. */
  starts: Int32Array;
  /** One past the last index. */
  ends: Int32Array;
  /** The patch that each run belongs to, from 0. */
  patch: Int32Array;
  count: number;
}

/** Undefined if there are more than `runsMax` runs. Union and find: Hoshen and Kopelman 1976. */
export function patchesIn(mask: Uint8Array, stride: number, runsMax: number): Patches | undefined {
  const starts: number[] = [];
  const ends: number[] = [];
  for (let at = mask.indexOf(1); at >= 0; ) {
    const end = mask.indexOf(0, at);
    starts.push(at);
    ends.push(end);
    if (starts.length > runsMax) return undefined;
    at = mask.indexOf(1, end);
  }
  const parent = Int32Array.from(starts, (_, i) => i);
  for (let run = 0, above = 0; run < starts.length; run++) {
    const from = starts[run]! - stride - 1;
    const to = ends[run]! - stride + 1;
    while (ends[above]! <= from) above++;
    for (let i = above; i < run && starts[i]! < to; i++) join(parent, i, run);
  }
  const patch = new Int32Array(starts.length);
  let count = 0;
  // A patch's root is its first run, so it has its number before the others ask.
  for (let run = 0; run < patch.length; run++) {
    const root = rootOf(parent, run);
    patch[run] = root === run ? count++ : patch[root]!;
  }
  return { starts: Int32Array.from(starts), ends: Int32Array.from(ends), patch, count };
}

function join(parent: Int32Array, a: number, b: number): void {
  const one = rootOf(parent, a);
  const other = rootOf(parent, b);
  if (one < other) parent[other] = one;
  else parent[one] = other;
}

function rootOf(parent: Int32Array, run: number): number {
  let root = run;
  while (parent[root] !== root) {
    parent[root] = parent[parent[root]!]!;
    root = parent[root]!;
  }
  return root;
}
