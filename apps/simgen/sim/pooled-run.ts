import type { Lease, PoolWorker, Seat } from "@holdfast/resources";
import { Checkpoint } from "./checkpoint.ts";
import { epochOf, stepOf } from "./frame.ts";
import { PoolError } from "./pool-error.ts";
import type { RunnerState, RunStatus, Saved, Start } from "./runner.ts";
import type { Scene } from "./scene.ts";
import { SAVED } from "./simulation.ts";
import type { FromWorker, ToWorker } from "./thread.ts";

export interface RunEvents {
  frame(bytes: Uint8Array): void;
  status(status: RunStatus): void;
  /** The run is gone: its thread was ended because of it, or it could not go on in another. */
  failed(message: string): void;
}

/** What a run may be told while it is between two threads; the oldest is forgotten first. */
const HELD_MAX = 1000;

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
  /** While it is between two threads: what it was told. */
  #held: ToWorker[] | undefined;
  #starting: PromiseWithResolvers<Checkpoint> | undefined;
  #handingOver: PromiseWithResolvers<Saved> | undefined;
  #checkpoint: Checkpoint | undefined;
  #isStreaming = false;
  #isPaused = false;
  /** Why it is unstable. */
  #unstable: string | undefined;
  #shown = { step: 0, epoch: -1 };

  constructor(run: number, scene: Scene, events: RunEvents) {
    this.run = run;
    this.#scene = scene;
    this.events = events;
  }

  /** Begins it. Rejects with `PoolError` "scene_uncompilable" or "simulation_failed", and the lease is released. */
  async begin(lease: Lease<Seat>): Promise<void> {
    this.#lease = lease;
    this.#held = [];
    this.#startIn(lease.value.worker, { lease: lease.value.id, streaming: false }).then(
      (checkpoint) => this.#isIn(lease.value.worker, checkpoint),
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
    this.#tell({ type: "stream", run: this.run, on });
  }

  control(actuator: number, value: number): void {
    this.#tell({ type: "control", run: this.run, actuator, value });
  }

  pause(on: boolean): void {
    this.#isPaused = on;
    this.#tell({ type: "pause", run: this.run, on });
  }

  reset(): void {
    this.#unstable = undefined;
    this.#tell({ type: "reset", run: this.run });
  }

  /** Ends it. */
  stop(): void {
    void this.#lease?.release();
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
    let checkpoint: Checkpoint;
    if (from) {
      // The scene is compiled there while it runs on here: so what its viewers wait for is two messages.
      checkpoint = await this.#startIn(to, { lease, streaming: false, from: "later" });
      this.#held ??= [];
      this.#handingOver = Promise.withResolvers();
      from.postMessage({ type: "hand over", run } satisfies ToWorker);
      const saved = await this.#handingOver.promise;
      to.postMessage({ type: "go on", run, from: saved, streaming: this.#isStreaming } satisfies ToWorker);
    } else {
      this.#held ??= [];
      // If it was on its way and its new home is gone, it still runs in the old one.
      if (this.#home && !this.#home.isGone) this.#home.postMessage({ type: "stop", run } satisfies ToWorker);
      checkpoint = await this.#startIn(to, this.#again(lease));
    }
    this.#isIn(to, checkpoint);
  }

  receive(message: Extract<FromWorker, { run: number }>): void {
    switch (message.type) {
      case "started":
        this.#starting?.resolve(new Checkpoint(message.checkpoint));
        return;
      case "refused":
        this.#starting?.reject(new PoolError("scene_uncompilable", message.message));
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

  #isIn(home: PoolWorker, checkpoint: Checkpoint): void {
    this.#home = home;
    this.#checkpoint = checkpoint;
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const message of held) home.postMessage(message);
    this.#begun.resolve();
  }

  #startIn(worker: PoolWorker, start: Start): Promise<Checkpoint> {
    // A move that a later one overtakes waits for ever, and is forgotten.
    this.#starting = Promise.withResolvers();
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
    return { ...start, from: { values, shownStep, state, message: this.#unstable } };
  }

  #tell(message: ToWorker): void {
    if (this.#held) {
      if (this.#held.push(message) > HELD_MAX) this.#held.shift();
    } else this.#home?.postMessage(message);
  }
}
