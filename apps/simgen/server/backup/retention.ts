import { timeOf } from "./backups.ts";

/** Of each of the last days, weeks and months that have one, the newest is kept. */
export const KEPT = { days: 7, weeks: 4, months: 6, atLeast: 3 };

/**
 * Which backups may go, by their names: none that is kept for its day, week or month, nor any of the newest `atLeast`.
 * All of `verified` must be known to be good; what is not among them neither goes nor counts.
 */
export function expired(verified: readonly string[], kept = KEPT): string[] {
  const newestFirst = [...verified].sort().reverse();
  const keep = new Set(newestFirst.slice(0, Math.max(1, kept.atLeast)));
  for (const [countMax, periodOf] of [
    [kept.days, dayOf],
    [kept.weeks, weekOf],
    [kept.months, monthOf],
  ] as const) {
    const seen = new Set<string>();
    for (const name of newestFirst) {
      const period = periodOf(timeOf(name));
      if (seen.has(period)) continue;
      if (seen.size === countMax) break;
      seen.add(period);
      keep.add(name);
    }
  }
  return newestFirst.filter((name) => !keep.has(name)).reverse();
}

function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}

/** By its Monday. */
function weekOf(time: Date): string {
  const monday = new Date(time);
  monday.setUTCDate(time.getUTCDate() - ((time.getUTCDay() + 6) % 7));
  return dayOf(monday);
}

function monthOf(time: Date): string {
  return time.toISOString().slice(0, 7);
}
