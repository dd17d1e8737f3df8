import { ALONE, WATCHED } from "./alone.ts";
import { CALLERS, CONTENDED } from "./contended.ts";
import { DISPATCH, IN_FLIGHT } from "./dispatch.ts";

/** One cycle: what is acquired is released, or what is dispatched is answered. */
export interface Subject {
  call: (caller: number) => Promise<unknown>;
  prepare?: () => Promise<void>;
}

/** By name; those of one question do the same, except where their name tells. */
export type Subjects = Record<string, () => Subject>;

interface Question {
  subjects: Subjects;
  /** How many repeat the call at once. */
  callers: number;
  calls: number;
  quickCalls: number;
  warmCalls: number;
  isAllocationMeasured: boolean;
  /** How the ns of a call are shown. */
  time: { what: string; unit: string; from(ns: number): number };
}

const cycle = { what: "time a cycle", unit: "ns", from: (ns: number) => ns };
const acquiring = { calls: 1_000_000, quickCalls: 10_000, warmCalls: 10_000, isAllocationMeasured: true, time: cycle };
const dispatching = { calls: 100_000, quickCalls: 2_000, warmCalls: 1_000, isAllocationMeasured: false };

export const QUESTIONS: Record<string, Question> = {
  alone: { ...acquiring, subjects: ALONE, callers: 1 },
  watched: { ...acquiring, subjects: WATCHED, callers: 1 },
  contended: { ...acquiring, subjects: CONTENDED, callers: CALLERS },
  dispatch: {
    ...dispatching,
    subjects: DISPATCH,
    callers: 1,
    time: { what: "time of one, one after another", unit: "µs", from: (ns) => ns / 1000 },
  },
  "dispatch at once": {
    ...dispatching,
    subjects: DISPATCH,
    callers: IN_FLIGHT,
    time: { what: `${IN_FLIGHT} in flight`, unit: "dispatches/s", from: (ns) => 1e9 / ns },
  },
};
