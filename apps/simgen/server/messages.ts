import { z } from "zod";
import type { ProblemCode } from "../service/problem.ts";
import type { Issue } from "../sim/issue.ts";

/** The session messages of SimGen; frames travel beside them on lossy lanes (see sim/frame.ts). */
const simulation = z.string().min(1).max(64);

export const toServerSchema = z.discriminatedUnion("type", [
  /** Start to see a simulation of one's own; ends the watching of any other. */
  z.strictObject({ type: z.literal("watch"), simulation }),
  z.strictObject({ type: z.literal("unwatch") }),
  z.strictObject({ type: z.literal("control"), simulation, actuator: z.string().min(1).max(64), value: z.number() }),
  z.strictObject({ type: z.literal("pause"), simulation }),
  z.strictObject({ type: z.literal("resume"), simulation }),
  z.strictObject({ type: z.literal("reset"), simulation }),
  /** Answered by `pong` with the same `at`, to measure the delay. */
  z.strictObject({ type: z.literal("ping"), at: z.number() }),
]);
export type ToServer = z.output<typeof toServerSchema>;

export type Planner = "template" | "rules" | "llm" | "cv" | "scene";

/** A simulation as its owner sees it, over HTTP too. */
export interface SimulationView {
  id: string;
  name: string;
  planner: Planner;
  /** The language model that made it, such as "anthropic/claude-…". */
  model: string | null;
  prompt: string | null;
  /** What the planner made of the prompt, in short lines. */
  understood: string[];
  warnings: string[];
  /** ISO 8601. */
  createdAt: string;
}

export type RunState = "running" | "paused" | "unstable" | "stopped";

export interface StatusMessage {
  type: "status";
  simulation: string;
  state: RunState;
  /** Simulated seconds a second, averaged over the last second: 1 is real time. */
  speed: number;
  /** Simulated seconds since the start or the last reset. */
  time: number;
  /** The actuators' present control values, in the scene's order. */
  controls: number[];
  /** Why it is unstable or stopped. */
  message?: string;
}

export type ToClient =
  /** The answer to `watch`; the frames of `run` follow. */
  | { type: "simulation"; simulation: SimulationView; run: number }
  | StatusMessage
  | { type: "pong"; at: number }
  | ProgressMessage
  | ErrorMessage;

/** How far a `POST /simulations` with this session's id has got. */
export interface ProgressMessage {
  type: "progress";
  stage: "planning" | "validating" | "compiling" | "repairing" | "running";
  /** Who is at it: "rules", "cv", or a language model's name. */
  planner: string;
  /** Of the answer, so far, while planning. */
  chars?: number;
}

export interface ErrorMessage {
  type: "error";
  code: ProblemCode;
  message: string;
  simulation?: string;
  issues?: Issue[];
}

/** What a session of SimGen carries. */
export interface Wire {
  toClient: ToClient;
  toServer: ToServer;
}
