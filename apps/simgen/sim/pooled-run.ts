import type { Lease, PoolWorker, Seat } from "@holdfast/resources";
import { Checkpoint } from "./checkpoint.ts";
import { epochOf, stepOf } from "./frame.ts";
import { PoolError } from "./pool-error.ts";
import type { RunnerState, RunStatus, Saved, Start } from "./runner.ts";
import type { Scene } from "./scene.ts";
import { SAVED } from "./simulation.ts";
import type { FromWorker, Told, ToWorker } from "./thread.ts";

export interface RunEvents {
  frame(bytes: Uint8Array): void;
  status(status: RunStatus): void;
  /** The run is gone: its thread was ended because of it, or it could not go on in another. */
  failed(message: string): void;
}

/** What is remembered of what a run was told; a thread takes much less with it, and a move much less time. */
const TOLD_MAX = 200;

/**
 * One running simulation, wherever it runs. From a thread that is replaced, it moves with all its state; from one that is
 * gone, it goes on from its last checkpoint, and first gets to where it had been shown. What it is told meanwhile waits.
 */
export class PooledRun {
  readonly run: number;
  readonly events: RunEvents;
  readonly #scene: Scene;
  readonly #begun = Promise.withResolvers<void>();
  #lease: Lease<Seat> | undefined;
  #home: PoolWorker | undefined;
  /** What it was told last, in order: what its thread takes with it when it dies, and what comes while it moves, is told again. */
  readonly #told: Told[] = [];
  #lastTold = 0;
  #starting: (PromiseWithResolvers<Checkpoint> & { worker: PoolWorker }) | undefined;
  #handingOver: PromiseWithResolvers<Saved> | undefined;
  #checkpoint: Checkpoint | undefined;
  #isStreaming = false;
  #isPaused = false;
  #isMoving = true;
  /** Why it is unstable. */
  #unstable: string | undefined;
  #shown = { step: 0, epoch: -1 };

  constructor(run: number, scene: Scene, events: RunEvents) {
    this.run = run;
    this.#scene = scene;
    this.events = events;
  }

  /** Where it runs. */
  get thread(): PoolWorker | undefined {
    return this.#home;
  }

  /** Begins it. Rejects with `PoolError` "scene_uncompilable" or "simulation_failed", and the lease is released. */
  async begin(lease: Lease<Seat>): Promise<void> {
    this.#lease = lease;
    this.#startIn(lease.value.worker, { lease: lease.value.id, streaming: false }).then(
      (checkpoint) => this.#isIn(lease.value.worker, checkpoint, 0),
      this.#begun.reject,
    );
    try {
      await this.#begun.promise;
    } catch (error) {
      await lease.release();
      throw error;
    }
  }

  stream(on: boolean): void {
    this.#isStreaming = on;
    this.#tell({ what: "stream", on });
  }

  control(actuator: number, value: number): void {
    this.#tell({ what: "control", actuator, value });
  }

  pause(on: boolean): void {
    this.#isPaused = on;
    this.#tell({ what: "pause", on });
  }

  reset(): void {
    this.#unstable = undefined;
    this.#tell({ what: "reset" });
  }

  /** Ends it. */
  stop(): void {
    this.#lease?.release().catch(() => {});
  }

  /** It has been ended. */
  released(from: PoolWorker): void {
    const stop: ToWorker = { type: "stop", run: this.run };
    from.postMessage(stop);
    // While it moves, it may be in both.
    if (this.#home !== from) this.#home?.postMessage(stop);
    this.#begun.reject(new PoolError("simulation_failed", "it was ended"));
  }

  lost({ message }: Error): void {
    this.#begun.reject(new PoolError("simulation_failed", message));
    this.events.failed(message);
  }

  /** It goes on in `to`; `from` is where it still runs. */
  async move(to: PoolWorker, from: PoolWorker | undefined): Promise<void> {
    const { run } = this;
    const lease = this.#lease?.value.id ?? 0;
    let told = 0;
    let checkpoint: Checkpoint;
    if (from) {
      // The scene is compiled there while it runs on here: so what its viewers wait for is two messages.
      checkpoint = await this.#startIn(to, { lease, streaming: false, from: "later" });
      this.#isMoving = true;
      this.#handingOver = Promise.withResolvers();
      from.postMessage({ type: "hand over", run } satisfies ToWorker);
      const saved = await this.#handingOver.promise;
      told = saved.told;
      to.postMessage({ type: "go on", run, from: saved, streaming: this.#isStreaming } satisfies ToWorker);
    } else {
      this.#isMoving = true;
      // If it was on its way and its new home is gone, it still runs in the old one.
      if (this.#home && !this.#home.isGone) this.#home.postMessage({ type: "stop", run } satisfies ToWorker);
      const start = this.#again(lease);
      told = typeof start.from === "object" ? start.from.told : 0;
      checkpoint = await this.#startIn(to, start);
    }
    this.#isIn(to, checkpoint, told);
  }

  receive(from: PoolWorker, message: Extract<FromWorker, { run: number }>): void {
    // It may have been on its way to another worker already when this one began with it.
    const starting = this.#starting?.worker === from ? this.#starting : undefined;
    switch (message.type) {
      case "started":
        starting?.resolve(new Checkpoint(message.checkpoint));
        return;
      case "refused":
        starting?.reject(new PoolError("scene_uncompilable", message.message));
        return;
      case "handed over":
        this.#handingOver?.resolve(message.from);
    }
  }

  frame(bytes: Uint8Array): void {
    this.#shown = { step: stepOf(bytes), epoch: epochOf(bytes) };
    this.events.frame(bytes);
  }

  status(status: RunStatus): void {
    this.#unstable = status.state === "unstable" ? (status.message ?? "") : undefined;
    this.events.status(status);
  }

  /** `number`: of the last thing it was told that is in the state it began with there. */
  #isIn(home: PoolWorker, checkpoint: Checkpoint, number: number): void {
    this.#home = home;
    this.#checkpoint = checkpoint;
    this.#isMoving = false;
    for (const told of this.#told) if (told.number > number) this.#post(home, told);
    this.#begun.resolve();
  }

  #startIn(worker: PoolWorker, start: Start): Promise<Checkpoint> {
    // A move that a later one overtakes waits for ever, and is forgotten.
    this.#starting = { ...Promise.withResolvers<Checkpoint>(), worker };
    worker.postMessage({ type: "start", run: this.run, scene: this.#scene, start } satisfies ToWorker);
    return this.#starting.promise;
  }

  /** From its last checkpoint, and from there to what its viewers have seen. */
  #again(lease: number): Start {
    const start = { lease, streaming: this.#isStreaming };
    const values = this.#checkpoint?.read();
    if (!values) return start;
    const state: RunnerState = this.#unstable !== undefined ? "unstable" : this.#isPaused ? "paused" : "running";
    // A reset that nobody has seen yet begins at its own first step.
    const shownStep = this.#shown.epoch === ((values[SAVED.epoch] ?? 0) & 0xff) ? this.#shown.step : 0;
    const told = values.at(-1) ?? 0;
    return { ...start, from: { values, shownStep, told, state, message: this.#unstable } };
  }

  #tell(what: WithoutNumber<Told>): void {
    const told = { ...what, number: ++this.#lastTold };
    if (this.#told.push(told) > TOLD_MAX) this.#told.shift();
    if (this.#home && !this.#isMoving) this.#post(this.#home, told);
  }

  #post(home: PoolWorker, told: Told): void {
    home.postMessage({ type: "tell", run: this.run, told } satisfies ToWorker);
  }
}

type WithoutNumber<T> = T extends unknown ? Omit<T, "number"> : never;
