import { setTimeout as sleep } from "node:timers/promises";
import { Resources } from "@holdfast/resources";
import { Pool, type Run } from "../../apps/simgen/sim/pool.ts";
import { PoolError } from "../../apps/simgen/sim/pool-error.ts";
import type { Scene } from "../../apps/simgen/sim/scene.ts";
import { templateById } from "../../apps/simgen/sim/templates/index.ts";
import { buildTemplate } from "../../apps/simgen/sim/templates/template.ts";
import type { Workload } from "./workload.ts";

const LIGHT = ["pendulum", "double-pendulum", "spring-mass"];
/** Each frame is some steps. */
const FRAMES = 2;
/** Of a worker's time, for the pool to count on: as good as nothing, so that there is room for all. */
const FRAME_MS = 0.0001;
const SETTLE_MS_MAX = 120_000;
const RETRY_MS = 20;

export interface SimulationsOptions {
  workers: number;
  atOnce: number;
  /** A worker is replaced after so many. */
  usesMax: number;
}

/** Simulations of SimGen's pool: each is made, shown for some frames, and deleted. */
export class Simulations implements Workload {
  readonly #resources: Resources;
  readonly #pool: Pool;
  readonly #options: SimulationsOptions;
  readonly #scenes = LIGHT.map(scene);
  #failed: string | undefined;

  static async create(options: SimulationsOptions): Promise<Simulations> {
    const resources = new Resources();
    const { workers, usesMax } = options;
    const pool = await Pool.create({ workers, usesMax, arenaBytesPerWorkerMax: 2 ** 31 }, resources);
    await Promise.all(pool.threads.map(({ ready }) => ready));
    return new Simulations(resources, pool, options);
  }

  private constructor(resources: Resources, pool: Pool, options: SimulationsOptions) {
    this.#resources = resources;
    this.#pool = pool;
    this.#options = options;
  }

  async run(count: number): Promise<void> {
    let left = count;
    const repeat = async () => {
      while (left-- > 0) await this.#show(left, FRAMES);
    };
    await Promise.all(Array.from({ length: this.#options.atOnce }, repeat));
    if (this.#failed !== undefined) throw new Error(`a simulation failed: ${this.#failed}`);
  }

  /** A worker without simulations does not say what it holds: so each is given one, which does not count. */
  async left(): Promise<Record<string, number>> {
    await this.#settle();
    const { workers } = this.#options;
    const stops = await Promise.all(Array.from({ length: workers }, (_, i) => this.#start(i)));
    const before = this.#pool.snapshot().workers.map(({ stats }) => stats);
    await this.#until(() => {
      const now = this.#pool.snapshot().workers;
      return now.every(({ stats }) => stats !== undefined && !before.includes(stats));
    });
    await Promise.all(this.#pool.threads.map((thread) => thread.measure()));
    const snapshot = this.#pool.snapshot().workers;
    const leases = this.#inUse("simulation thread");
    for (const stop of stops) stop();
    return {
      "workers, MB": sum(snapshot.map(({ memoryBytes }) => memoryBytes)) / 1e6,
      "WASM heaps, MB": sum(snapshot.map(({ stats }) => stats?.heapBytes ?? 0)) / 1e6,
      "simulations left": sum(snapshot.map(({ stats }) => stats?.simulations ?? 0)) - workers,
      "leases left": leases - workers,
      "workers replaced": this.#counted("simulation thread worker")?.recycled ?? 0,
    };
  }

  async close(): Promise<void> {
    await this.#pool.close();
    await this.#resources.close();
  }

  #show(which: number, frames: number): Promise<void> {
    const shown = Promise.withResolvers<void>();
    let left = frames;
    const frame = () => {
      if (--left === 0) shown.resolve();
    };
    return this.#start(which, frame, shown.reject).then(async (stop) => {
      await shown.promise;
      stop();
    });
  }

  async #start(which: number, frame = () => {}, fail = (_error: Error) => {}): Promise<() => void> {
    const scene = this.#scenes[which % this.#scenes.length];
    if (!scene) throw new Error("no scenes");
    const failed = (message: string) => {
      this.#failed = message;
      fail(new Error(message));
    };
    const run = await this.#inTurn(() => this.#pool.start(scene, FRAME_MS, { frame, status() {}, failed }));
    run.stream(true);
    return () => run.stop();
  }

  /** A pool whose workers are busy refuses more, and knows better a second later. */
  async #inTurn(start: () => Promise<Run>): Promise<Run> {
    for (;;) {
      try {
        return await start();
      } catch (error) {
        if (!(error instanceof PoolError) || error.code !== "capacity_full") throw error;
        await sleep(RETRY_MS);
      }
    }
  }

  /** No worker is being replaced. */
  #settle(): Promise<void> {
    return this.#until(() => {
      const { threads } = this.#pool;
      return threads.length === this.#options.workers && threads.every(({ state }) => state === "ready");
    });
  }

  async #until(holds: () => boolean): Promise<void> {
    const endMs = performance.now() + SETTLE_MS_MAX;
    while (!holds()) {
      if (performance.now() > endMs) throw new Error(`not within ${SETTLE_MS_MAX} ms: ${holds}`);
      await sleep(20);
    }
  }

  #counted(kind: string) {
    return this.#resources.snapshot().kinds.find((each) => each.kind === kind);
  }

  #inUse(kind: string): number {
    return this.#counted(kind)?.inUse ?? 0;
  }
}

function scene(id: string): Scene {
  const template = templateById(id);
  if (!template) throw new Error(`no template ${id}`);
  return buildTemplate(template);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
