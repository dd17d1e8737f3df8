import { Keyed, type Resources, type Scope } from "@holdfast/resources";
import { isKeyframe } from "../sim/frame.ts";
import type { Pool, Run, Trial } from "../sim/pool.ts";
import { PoolError } from "../sim/pool-error.ts";
import type { RunEvents } from "../sim/pooled-run.ts";
import type { RunStatus } from "../sim/runner.ts";
import type { Scene as Spec } from "../sim/scene.ts";
import type { StatusMessage } from "./messages.ts";
import type { StoredSimulation } from "./simulation-store.ts";

/** The lossy lanes that frames travel on: a slow viewer gets the latest of each. */
export type FrameLane = "keyframe" | "frame";

/** Somebody who watches. */
export interface Viewer {
  status(message: StatusMessage): void;
  /** The bytes stay as they are. */
  frame(lane: FrameLane, bytes: Uint8Array): void;
}

/** A simulation that is running. */
export interface LiveRun {
  readonly owner: string;
  readonly simulation: StoredSimulation;
  readonly run: Run;
}

/** Somebody's view of it. */
export interface Watching {
  live: LiveRun;
  end(): void;
}

interface Entry extends LiveRun {
  /** What it holds: its place in a thread. */
  scope: Scope;
  viewers: Set<Viewer>;
  lastStatus: StatusMessage | undefined;
  /** Why it ends. */
  why: string;
}

type Given = Pick<LiveRun, "owner" | "simulation">;

const TRIALS_MAX = 10_000;

/**
 * Limits for `Resources`: when all sessions of a server come to another one, each with a simulation to start, these are tried
 * a few at a time and wait for it, and those that people make meanwhile are not refused on their account.
 */
export const RETRIALS = { retrial: { countMax: 4, queueMax: 10_000, queueMsMax: 30_000 } };

/** Starts a simulation when somebody watches it, and ends it when nobody has for a while. */
export class LiveRuns {
  readonly #pool: Pool;
  readonly #resources: Resources;
  readonly #runs: Keyed<string, Entry, Given>;
  readonly #trials = new Map<string, Trial>();

  constructor(pool: Pool, resources: Resources, idleMs: number) {
    this.#pool = pool;
    this.#resources = resources;
    this.#runs = new Keyed(resources, "simulation", (_id, _making, given: Given) => this.#start(given), end, {
      idleMs,
    });
  }

  get count(): number {
    return this.#runs.size;
  }

  /** Keeps what a trial found, for the start. */
  remember(id: string, trial: Trial): void {
    this.#trials.set(id, trial);
    const [oldest] = this.#trials.keys();
    if (this.#trials.size > TRIALS_MAX && oldest !== undefined) this.#trials.delete(oldest);
  }

  get(owner: string, id: string): LiveRun | undefined {
    const entry = this.#runs.get(id);
    return entry?.owner === owner ? entry : undefined;
  }

  /**
   * Starts the simulation if it does not run. The viewer's first keyframe and status are on their way; it watches until
   * `end`, or the end of the scope. Rejects with `PoolError`.
   */
  async watch(scope: Scope, owner: string, simulation: StoredSimulation, viewer: Viewer): Promise<Watching> {
    const watching = scope.scope(`watching ${simulation.id}`, { isLongLived: true });
    try {
      const { value: entry } = await this.#runs.acquire(watching, simulation.id, { owner, simulation });
      entry.viewers.add(viewer);
      watching.adopt("viewer", viewer, () => leave(entry, viewer));
      entry.run.stream(true);
      return { live: entry, end: () => void watching.close().catch(() => {}) };
    } catch (error) {
      await watching.close();
      throw error;
    }
  }

  /** Ends the run, telling those who watch why. */
  stop(id: string, why: string): void {
    const entry = this.#runs.get(id);
    if (entry) this.#stop(entry, why);
  }

  /** Ends all. */
  close(): Promise<void> {
    return this.#runs.close();
  }

  #stop(entry: Entry, why: string): void {
    const { id } = entry.simulation;
    if (this.#runs.get(id) !== entry) return;
    entry.why = why;
    this.#runs.drop(id).catch(() => {});
  }

  async #start({ owner, simulation }: Given): Promise<Entry> {
    const { id, scene } = simulation;
    const scope = this.#resources.scope(`simulation ${id}`, { isLongLived: true });
    let entry: Entry | undefined;
    try {
      const trial = this.#trials.get(id) ?? (await this.#tryAgain(scope, scene));
      this.remember(id, trial);
      const run = await this.#startMakingRoom(scope, scene, trial, {
        frame: (bytes) => entry && sendFrame(entry, bytes),
        status: (status) => entry && sendStatus(entry, status),
        failed: (message) => entry && this.#stop(entry, message),
      });
      entry = { owner, simulation, run, scope, viewers: new Set(), lastStatus: undefined, why: "nobody watched" };
      return entry;
    } catch (error) {
      await scope.close();
      throw error;
    }
  }

  /** It was made on another server, or long ago. */
  async #tryAgain(scope: Scope, scene: Spec): Promise<Trial> {
    const turn = await scope.acquire(
      "retrial",
      async () => {},
      () => {},
    );
    return this.#pool.try(scene).finally(() => turn.release());
  }

  /** When there is no room, those that nobody watches go, the longest unwatched first. */
  async #startMakingRoom(scope: Scope, scene: Spec, trial: Trial, events: RunEvents): Promise<Run> {
    for (;;) {
      try {
        return await this.#pool.start(scene, trial.frameMs, events, scope);
      } catch (error) {
        if (!(error instanceof PoolError && error.code === "capacity_full")) throw error;
        if (!(await this.#runs.reclaim("others needed its place"))) throw error;
      }
    }
  }
}

function leave(entry: Entry, viewer: Viewer): void {
  entry.viewers.delete(viewer);
  if (entry.viewers.size === 0) entry.run.stream(false);
}

function end({ viewers, simulation, scope, lastStatus, why }: Entry): Promise<void> {
  const last = lastStatus ?? { speed: 0, time: 0, controls: [] };
  for (const viewer of viewers)
    viewer.status({ ...last, type: "status", simulation: simulation.id, state: "stopped", speed: 0, message: why });
  viewers.clear();
  return scope.close();
}

/**
 * A frame is of no use without its keyframe. A newcomer drops what comes before its first one; for a viewer that is
 * behind, lanes keep the latest of both and send them in the order in which they came.
 */
function sendFrame(entry: Entry, bytes: Uint8Array): void {
  const lane = isKeyframe(bytes) ? "keyframe" : "frame";
  for (const viewer of entry.viewers) viewer.frame(lane, bytes);
}

function sendStatus(entry: Entry, { state, speed, step, controls, message }: RunStatus): void {
  const status: StatusMessage = {
    type: "status",
    simulation: entry.simulation.id,
    state,
    speed,
    time: step * entry.simulation.scene.timestep,
    controls: [...controls],
    ...(message === undefined ? {} : { message }),
  };
  entry.lastStatus = status;
  for (const viewer of entry.viewers) viewer.status(status);
}
