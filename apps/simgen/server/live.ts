import { managedTimeout, ResourceError, type Resources, type Scope } from "@holdfast/resources";
import { type Handling, type Session, SessionError } from "@holdfast/sessions";
import { Problem } from "../service/problem.ts";
import { formatIssue, issuesOf } from "../sim/issue.ts";
import { PoolError } from "../sim/pool-error.ts";
import type { LiveRun, LiveRuns, Viewer, Watching } from "./live-runs.ts";
import { type ErrorMessage, type ToClient, type ToServer, toServerSchema } from "./messages.ts";
import { owners } from "./owner.ts";
import type { SimulationStore } from "./simulation-store.ts";

/** What a session watches is the room it is in, so whatever server it comes back to knows. */
const WATCH = "watch:";
/** How often what a session watched is tried to be watched again, and how long the first wait is, twice as long each time, ms. */
const GO_ON_TIMES_MAX = 5;
const GO_ON_MS = 1_000;

export interface LiveServices {
  store: Pick<SimulationStore, "get">;
  runs: Pick<LiveRuns, "get" | "watch">;
  resources: Resources;
  /** Called with what is not the client's fault. */
  onError(error: unknown): void;
}

/** One visitor's conversation over one connection of its session: what it watches and what it may steer. */
export class Conversation {
  readonly #session: Session<ToClient>;
  readonly #services: LiveServices;
  readonly #viewer: Viewer;
  /** What the session wants to see. */
  #wanted: string | undefined;
  /** What it sees. */
  #watching: Watching | undefined;
  /** Of this connection: whatever it holds is released with it. */
  readonly #scope: Scope;
  /** Settled when what the session watched before this connection is watched again, or cannot be. */
  readonly #begun: Promise<void>;

  constructor(session: Session<ToClient>, services: LiveServices) {
    this.#session = session;
    this.#services = services;
    this.#scope = services.resources.scope(`session ${session.id}`, { isLongLived: true });
    this.#viewer = {
      status: (message) => this.#tell(message),
      frame: (lane, bytes) => void session.sendLane(lane, bytes),
    };
    this.#wanted = [...session.rooms].find((room) => room.startsWith(WATCH))?.slice(WATCH.length);
    const wanted = this.#wanted;
    this.#begun = wanted === undefined ? Promise.resolve() : owners.run(this.#scope, () => this.#goOn(wanted));
  }

  /** Handles the session's next message. Every message may be handled twice with the same effect as once. */
  message(message: ToServer, handling: Handling<ToClient>): Promise<void> {
    return owners.run(this.#scope, () => this.#answer(message, handling));
  }

  /** The connection is gone: nobody is there to see frames, and statuses would only pile up. */
  end(): void {
    this.#scope.close().catch(this.#services.onError);
  }

  async #answer(message: ToServer, { reply, signal }: Handling<ToClient>): Promise<void> {
    await this.#begun;
    signal.throwIfAborted();
    try {
      await this.#handle(message, reply);
    } catch (error) {
      reply(this.#refusal(error, "simulation" in message ? message.simulation : undefined));
    }
    // The connection ended meanwhile, and with it what this began: the next one has to do it.
    if (message.type === "watch") signal.throwIfAborted();
  }

  async #handle(message: ToServer, reply: (message: ToClient) => void): Promise<void> {
    switch (message.type) {
      case "watch":
        return this.#watch(message.simulation, reply);
      case "unwatch":
        return this.#want(undefined);
      case "control":
        return control(this.#running(message.simulation), message.actuator, message.value);
      case "pause":
        return this.#running(message.simulation).run.pause(true);
      case "resume":
        return this.#running(message.simulation).run.pause(false);
      case "reset":
        return this.#running(message.simulation).run.reset();
      case "ping":
        return reply({ type: "pong", at: message.at });
    }
  }

  /** A server to which many sessions come at once may be short of something for a while, and nobody has asked for this. */
  async #goOn(id: string, times = 0): Promise<void> {
    try {
      await this.#view(id, (message) => this.#tell(message));
    } catch (error) {
      if (this.#scope.isClosed) return;
      if (times === GO_ON_TIMES_MAX || asProblem(error).status < 500) return this.#tell(this.#refusal(error, id));
      managedTimeout(this.#scope, GO_ON_MS * 2 ** times * (0.5 + Math.random()), () => {
        if (this.#wanted === id && this.#watching === undefined)
          void owners.run(this.#scope, () => this.#goOn(id, times + 1));
      });
    }
  }

  async #watch(id: string, answer: (message: ToClient) => void): Promise<void> {
    await this.#want(id);
    await this.#view(id, answer);
  }

  async #want(id: string | undefined): Promise<void> {
    this.#stopViewing();
    if (this.#wanted === id) return;
    if (this.#wanted !== undefined) await this.#session.leave(WATCH + this.#wanted);
    this.#wanted = undefined;
    if (id !== undefined) await this.#session.join(WATCH + id);
    this.#wanted = id;
  }

  async #view(id: string, answer: (message: ToClient) => void): Promise<void> {
    const { clientId } = this.#session;
    const simulation = await this.#services.store.get(clientId, id);
    if (!simulation) throw new Problem("simulation_not_found", `you have no simulation ${id}`);
    if (this.#scope.isClosed) return;
    try {
      this.#watching = await this.#services.runs.watch(this.#scope, clientId, simulation, this.#viewer);
    } catch (error) {
      // The connection ended meanwhile: nobody is there to be told.
      if (this.#scope.isClosed) return;
      throw error;
    }
    const { scene, ...view } = simulation;
    answer({ type: "simulation", simulation: view, run: this.#watching.live.run.run });
  }

  #stopViewing(): void {
    this.#watching?.end();
    this.#watching = undefined;
  }

  #running(id: string): LiveRun {
    const live = this.#services.runs.get(this.#session.clientId, id);
    if (!live) throw new Problem("simulation_not_running", `no simulation ${id} of yours is running: watch it first`);
    return live;
  }

  #tell(message: ToClient): void {
    // Ended or out of reach: counted by the sessions; the next status says the same.
    this.#session.send(message).catch((error) => {
      if (!(error instanceof SessionError)) this.#services.onError(error);
    });
  }

  #refusal(error: unknown, simulation: string | undefined): ErrorMessage {
    const message = errorMessage(error, simulation);
    if (message.code === "internal_error") this.#services.onError(error);
    return message;
  }
}

/** What a client is told of an error that its message, or its watching, came to. */
export function errorMessage(error: unknown, simulation?: string): ErrorMessage {
  const { code, message, details } = asProblem(error);
  const { issues } = details;
  return {
    ...{ type: "error", code, message },
    ...(simulation === undefined ? {} : { simulation }),
    ...(issues === undefined ? {} : { issues }),
  };
}

/** What may be told of an error to the one who caused it. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof PoolError)
    return new Problem(error.code, error.message, error.code === "capacity_full" ? { retryAfterSeconds: 10 } : {});
  // A budget of this server.
  if (error instanceof ResourceError && error.use)
    return new Problem("capacity_full", error.message, { retryAfterSeconds: 10 });
  return new Problem("internal_error", "the log has the details");
}

/** Throws `Problem` "message_invalid", naming the fields. */
export function parseMessage(value: unknown): ToServer {
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
