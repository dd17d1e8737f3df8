import { formatIssue, issuesOf } from "../sim/issue.ts";
import { PoolError } from "../sim/pool.ts";
import type { Connection, ConnectionEvents } from "./edge.ts";
import type { LiveRun, LiveRuns, Viewer } from "./live-runs.ts";
import { type ToServer, toServerSchema } from "./messages.ts";
import { Problem } from "./problem.ts";
import type { SimulationStore } from "./simulation-store.ts";

/** A reliable message rate no slider reaches, and how much may come at once. */
const MESSAGES_PER_SECOND_MAX = 120;
const MESSAGES_BURST_MAX = 240;
/** Behind a slow one, such as a `watch` that waits for a trial. */
const MESSAGES_WAITING_MAX = 256;

export interface LiveServices {
  store: SimulationStore;
  runs: LiveRuns;
  /** Called with what is not the client's fault. */
  onError(error: unknown): void;
}

/** One visitor's conversation over one connection: what it watches and what it may steer. Messages take effect in order. */
export class Conversation implements ConnectionEvents {
  readonly #connection: Connection;
  readonly #services: LiveServices;
  readonly #viewer: Viewer;
  #watching: string | undefined;
  #closed = false;
  #turn: Promise<void> = Promise.resolve();
  #waiting = 0;
  #allowance = { count: MESSAGES_BURST_MAX, at: performance.now() };

  constructor(connection: Connection, services: LiveServices) {
    this.#connection = connection;
    this.#services = services;
    this.#viewer = {
      status: (message) => connection.send(message),
      ready: () => connection.ready(),
      frame: (bytes) => connection.sendFrame(bytes),
    };
  }

  message(text: string | undefined): void {
    try {
      this.#spendAllowance();
      const message = parseMessage(text);
      const simulation = "simulation" in message ? message.simulation : undefined;
      if (this.#waiting >= MESSAGES_WAITING_MAX)
        throw new Problem("message_too_often", `expected at most ${MESSAGES_WAITING_MAX} messages in waiting`);
      this.#waiting++;
      this.#turn = this.#turn
        .then(() => this.#handle(message))
        .catch((error) => this.#refuse(error, simulation))
        .finally(() => this.#waiting--);
    } catch (error) {
      this.#refuse(error);
    }
  }

  closed(): void {
    this.#closed = true;
    this.#unwatch();
  }

  async #handle(message: ToServer): Promise<void> {
    switch (message.type) {
      case "watch":
        return this.#watch(message.simulation);
      case "unwatch":
        return this.#unwatch();
      case "control":
        return control(this.#running(message.simulation), message.actuator, message.value);
      case "pause":
        return this.#running(message.simulation).run.pause(true);
      case "resume":
        return this.#running(message.simulation).run.pause(false);
      case "reset":
        return this.#running(message.simulation).run.reset();
      case "ping":
        return this.#connection.send({ type: "pong", at: message.at });
    }
  }

  async #watch(id: string): Promise<void> {
    this.#unwatch();
    const { owner } = this.#connection;
    const simulation = await this.#services.store.get(owner, id);
    if (!simulation) throw new Problem("simulation_not_found", `you have no simulation ${id}`);
    if (this.#closed) return;
    const { scene, ...view } = simulation;
    await this.#services.runs.watch(owner, simulation, this.#viewer, ({ run }) =>
      this.#connection.send({ type: "simulation", simulation: view, scene, run: run.run }),
    );
    this.#watching = id;
    if (this.#closed) this.#unwatch();
  }

  #unwatch(): void {
    if (this.#watching !== undefined) this.#services.runs.unwatch(this.#watching, this.#viewer);
    this.#watching = undefined;
  }

  #running(id: string): LiveRun {
    const live = this.#services.runs.get(this.#connection.owner, id);
    if (!live) throw new Problem("simulation_not_running", `no simulation ${id} of yours is running: watch it first`);
    return live;
  }

  #spendAllowance(): void {
    const now = performance.now();
    const refill = ((now - this.#allowance.at) / 1000) * MESSAGES_PER_SECOND_MAX;
    this.#allowance = { count: Math.min(MESSAGES_BURST_MAX, this.#allowance.count + refill) - 1, at: now };
    if (this.#allowance.count >= 0) return;
    this.#allowance.count = 0;
    throw new Problem("message_too_often", `expected at most ${MESSAGES_PER_SECOND_MAX} messages a second`);
  }

  #refuse(error: unknown, simulation?: string): void {
    const problem = asProblem(error);
    if (problem.code === "internal_error") this.#services.onError(error);
    const { issues } = problem.details;
    this.#connection.send({
      type: "error",
      code: problem.code,
      message: problem.message,
      ...(simulation === undefined ? {} : { simulation }),
      ...(issues === undefined ? {} : { issues }),
    });
  }
}

/** What may be told of an error to the one who caused it. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof PoolError)
    return new Problem(error.code, error.message, error.code === "capacity_full" ? { retryAfterSeconds: 10 } : {});
  return new Problem("internal_error", "the log has the details");
}

function parseMessage(text: string | undefined): ToServer {
  if (text === undefined) throw new Problem("message_invalid", "expected a text message with JSON, got a binary one");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Problem("message_invalid", `expected JSON, got ${JSON.stringify(text.slice(0, 60))}`);
  }
  const result = toServerSchema.safeParse(value);
  if (result.success) return result.data;
  const issues = issuesOf(result.error, value);
  throw new Problem("message_invalid", issues.map(formatIssue).join("; "), { issues });
}

function control({ simulation, run }: LiveRun, actuator: string, value: number): void {
  const { actuators } = simulation.scene;
  const index = actuators.findIndex((each) => each.id === actuator);
  const found = actuators[index];
  if (!found)
    throw new Problem(
      "actuator_unknown",
      `expected one of ${actuators.map((each) => each.id).join(", ") || "none"}, got ${actuator}`,
    );
  const [low, high] = found.range;
  if (value < low || value > high)
    throw new Problem("control_out_of_range", `${actuator}: expected ${low} to ${high}, got ${value}`);
  run.control(index, value);
}
