/** Gives each an id: its kind, and which of that kind it is. */
export function numbered<T extends { kind: string }>(all: readonly T[]): (T & { id: string })[] {
  const counts = new Map<string, number>();
  return all.map((each) => {
    const count = (counts.get(each.kind) ?? 0) + 1;
    counts.set(each.kind, count);
    return { ...each, id: `${each.kind}-${count}` };
  });
}
