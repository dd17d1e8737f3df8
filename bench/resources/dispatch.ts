import { Worker } from "node:worker_threads";
import { Resources, WorkerPool } from "@holdfast/resources";
import { Piscina } from "piscina";
import type { Echo } from "./echo.ts";
import type { Subject, Subjects } from "./question.ts";

export const IN_FLIGHT = 16;
const THREADS = 2;

/** Who waits for which answer. */
class Answers {
  readonly #waiting = new Map<number, (value: number) => void>();

  next(id: number): Promise<number> {
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  come({ id, value }: Echo): void {
    this.#waiting.get(id)?.(value);
    this.#waiting.delete(id);
  }
}

function piscina(concurrentTasksPerWorker: number): Subject {
  const pool = new Piscina({
    filename: new URL("./piscina-echo.ts", import.meta.url).href,
    ...{ minThreads: THREADS, maxThreads: THREADS, concurrentTasksPerWorker },
  });
  let value = 0;
  return {
    async call() {
      const sent = ++value;
      expect(sent, await pool.run(sent));
    },
  };
}

export const DISPATCH: Subjects = {
  "bare Worker": () => {
    const answers = new Answers();
    const workers = Array.from({ length: THREADS }, () => new Worker(new URL("./bare-echo.ts", import.meta.url)));
    const inFlight = workers.map(() => 0);
    for (const [index, worker] of workers.entries())
      worker.on("message", (echo: Echo) => {
        inFlight[index] = (inFlight[index] ?? 0) - 1;
        answers.come(echo);
      });
    let value = 0;
    return {
      async call() {
        const id = ++value;
        // As the others do: a thread that has just been busy is awake.
        const index = inFlight.indexOf(Math.min(...inFlight));
        inFlight[index] = (inFlight[index] ?? 0) + 1;
        workers[index]?.postMessage({ id, value: id } satisfies Echo);
        expect(id, await answers.next(id));
      },
    };
  },
  "holdfast WorkerPool": () => {
    const answers = new Answers();
    const resources = new Resources();
    const scope = resources.scope("bench");
    const pool = new WorkerPool(resources, "thread", new URL("./pool-echo.ts", import.meta.url), {
      size: THREADS,
      message: (_worker, echo) => answers.come(echo as Echo),
    });
    let value = 0;
    return {
      prepare: async () => void (await Promise.all(pool.workers.map(({ ready }) => ready))),
      async call() {
        const lease = await pool.acquire(scope);
        const seat = lease.value;
        const sent = ++value;
        seat.worker.postMessage({ id: seat.id, value: sent } satisfies Echo);
        expect(sent, await answers.next(seat.id));
        return lease.release();
      },
    };
  },
  piscina: () => piscina(1),
  [`piscina, ${IN_FLIGHT / THREADS} tasks at once a thread`]: () => piscina(IN_FLIGHT / THREADS),
};

function expect(sent: number, came: number): void {
  if (sent !== came) throw new Error(`sent ${sent}, got ${came}`);
}
