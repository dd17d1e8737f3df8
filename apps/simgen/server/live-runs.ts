import { isKeyframe, keyframeNumber } from "../sim/frame.ts";
import { type Pool, PoolError, type Run, type RunEvents, type Trial } from "../sim/pool.ts";
import type { RunStatus } from "../sim/runner.ts";
import type { Scene } from "../sim/scene.ts";
import type { StatusMessage } from "./messages.ts";
import type { StoredSimulation } from "./simulation-store.ts";

/** Somebody who watches. */
export interface Viewer {
  status(message: StatusMessage): void;
  /** Whether it can take a frame now; a frame that comes while it cannot is dropped. */
  ready(): boolean;
  frame(bytes: Uint8Array): void;
}

/** A simulation that is running, and those who watch it. */
export interface LiveRun {
  owner: string;
  simulation: StoredSimulation;
  run: Run;
  lastStatus: StatusMessage | undefined;
}

interface Entry extends LiveRun {
  /** Each viewer, and the number of the last keyframe it was sent. */
  viewers: Map<Viewer, number>;
  keyframe: Uint8Array | undefined;
  idleTimer: NodeJS.Timeout | undefined;
  /** When the last viewer left, by `performance.now()`. */
  idleSince: number;
}

const TRIALS_MAX = 10_000;
/** The keyframe number of a viewer that has none. */
const NEWCOMER = -1;

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

  /** Starts the simulation if it does not run, and calls `begin` before the viewer's first frame. Throws `PoolError`. */
  async watch(
    owner: string,
    simulation: StoredSimulation,
    viewer: Viewer,
    begin: (live: LiveRun) => void,
  ): Promise<void> {
    let starting = this.#entries.get(simulation.id);
    if (!starting) {
      starting = this.#start(owner, simulation);
      this.#entries.set(simulation.id, starting);
      starting.catch(() => this.#entries.delete(simulation.id));
    }
    const entry = await starting;
    if (this.#running.get(simulation.id) !== entry) return this.watch(owner, simulation, viewer, begin);
    clearTimeout(entry.idleTimer);
    begin(entry);
    if (entry.lastStatus) viewer.status(entry.lastStatus);
    entry.viewers.set(viewer, NEWCOMER);
    entry.run.stream(true);
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
      viewers: new Map(),
      keyframe: undefined,
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
    for (const viewer of entry.viewers.keys())
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

/** A frame without its keyframe is of no use: a newcomer waits for the next one, whoever missed it gets it first. */
function sendFrame(entry: Entry, bytes: Uint8Array): void {
  const number = keyframeNumber(bytes);
  const isKey = isKeyframe(bytes);
  if (isKey) entry.keyframe = bytes.slice();
  for (const [viewer, seen] of entry.viewers) {
    if (!viewer.ready() || (seen === NEWCOMER && !isKey)) continue;
    if (!isKey && seen !== number) {
      if (!entry.keyframe || keyframeNumber(entry.keyframe) !== number) continue;
      viewer.frame(entry.keyframe);
    }
    viewer.frame(bytes);
    if (seen !== number) entry.viewers.set(viewer, number);
  }
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
  for (const viewer of entry.viewers.keys()) viewer.status(status);
}
