import { isKeyframe } from "../sim/frame.ts";
import type { Pool, Run, Trial } from "../sim/pool.ts";
import { PoolError } from "../sim/pool-error.ts";
import type { RunEvents } from "../sim/pooled-run.ts";
import type { RunStatus } from "../sim/runner.ts";
import type { Scene } from "../sim/scene.ts";
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

/** A simulation that is running, and those who watch it. */
export interface LiveRun {
  owner: string;
  simulation: StoredSimulation;
  run: Run;
  lastStatus: StatusMessage | undefined;
}

interface Entry extends LiveRun {
  viewers: Set<Viewer>;
  idleTimer: NodeJS.Timeout | undefined;
  /** When the last viewer left, by `performance.now()`. */
  idleSince: number;
}

const TRIALS_MAX = 10_000;

/** Starts a simulation when somebody watches it, and ends it when nobody has for a while. */
export class LiveRuns {
  readonly #pool: Pool;
  readonly #idleMs: number;
  readonly #entries = new Map<string, Promise<Entry>>();
  readonly #running = new Map<string, Entry>();
  readonly #trials = new Map<string, Trial>();

  constructor(pool: Pool, idleMs: number) {
    this.#pool = pool;
    this.#idleMs = idleMs;
  }

  get count(): number {
    return this.#running.size;
  }

  /** Keeps what a trial found, for the start. */
  remember(id: string, trial: Trial): void {
    this.#trials.set(id, trial);
    const [oldest] = this.#trials.keys();
    if (this.#trials.size > TRIALS_MAX && oldest !== undefined) this.#trials.delete(oldest);
  }

  get(owner: string, id: string): LiveRun | undefined {
    const entry = this.#running.get(id);
    return entry?.owner === owner ? entry : undefined;
  }

  /** Starts the simulation if it does not run. The viewer's first keyframe and status are on their way. Throws `PoolError`. */
  async watch(owner: string, simulation: StoredSimulation, viewer: Viewer): Promise<LiveRun> {
    let starting = this.#entries.get(simulation.id);
    if (!starting) {
      starting = this.#start(owner, simulation);
      this.#entries.set(simulation.id, starting);
      starting.catch(() => this.#entries.delete(simulation.id));
    }
    const entry = await starting;
    if (this.#running.get(simulation.id) !== entry) return this.watch(owner, simulation, viewer);
    clearTimeout(entry.idleTimer);
    entry.viewers.add(viewer);
    entry.run.stream(true);
    return entry;
  }

  unwatch(id: string, viewer: Viewer): void {
    const entry = this.#running.get(id);
    if (!entry?.viewers.delete(viewer) || entry.viewers.size > 0) return;
    entry.run.stream(false);
    this.#endWhenIdle(entry);
  }

  /** Ends the run, telling those who watch why. */
  stop(id: string, why: string): void {
    const entry = this.#running.get(id);
    if (entry) this.#end(entry, why);
  }

  async #start(owner: string, simulation: StoredSimulation): Promise<Entry> {
    const trial = this.#trials.get(simulation.id) ?? (await this.#pool.try(simulation.scene));
    this.remember(simulation.id, trial);
    let entry: Entry | undefined;
    const run = await this.#startMakingRoom(simulation.scene, trial, {
      frame: (bytes) => entry && sendFrame(entry, bytes),
      status: (status) => entry && sendStatus(entry, status),
      failed: (message) => entry && this.#end(entry, message),
    });
    entry = {
      owner,
      simulation,
      run,
      lastStatus: undefined,
      viewers: new Set(),
      idleTimer: undefined,
      idleSince: 0,
    };
    this.#running.set(simulation.id, entry);
    this.#endWhenIdle(entry);
    return entry;
  }

  /** When there is no room, those that nobody watches go, the longest unwatched first. */
  async #startMakingRoom(scene: Scene, trial: Trial, events: RunEvents): Promise<Run> {
    for (;;) {
      try {
        return await this.#pool.start(scene, trial.frameMs, events);
      } catch (error) {
        const [idlest] = [...this.#running.values()]
          .filter((each) => each.viewers.size === 0)
          .sort((a, b) => a.idleSince - b.idleSince);
        if (!(error instanceof PoolError && error.code === "capacity_full") || !idlest) throw error;
        this.#end(idlest, "others needed its place");
      }
    }
  }

  #endWhenIdle(entry: Entry): void {
    clearTimeout(entry.idleTimer);
    entry.idleSince = performance.now();
    entry.idleTimer = setTimeout(() => this.#end(entry, "nobody watched"), this.#idleMs);
    entry.idleTimer.unref();
  }

  #end(entry: Entry, why: string): void {
    clearTimeout(entry.idleTimer);
    this.#running.delete(entry.simulation.id);
    this.#entries.delete(entry.simulation.id);
    entry.run.stop();
    const last = entry.lastStatus ?? { speed: 0, time: 0, controls: [] };
    for (const viewer of entry.viewers)
      viewer.status({
        ...last,
        type: "status",
        simulation: entry.simulation.id,
        state: "stopped",
        speed: 0,
        message: why,
      });
    entry.viewers.clear();
  }
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
