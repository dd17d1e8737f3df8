import type { Drawing } from "../cv/drawing.ts";
import type { Recognition } from "../cv/recognition.ts";
import type { SimulationView } from "../server/messages.ts";
import type { Picture } from "../server/picture.ts";
import type { Issue } from "../sim/issue.ts";
import type { Scene } from "../sim/scene.ts";

export interface Template {
  id: string;
  title: string;
  description: string;
  scene: Scene;
}

export type SimulationWithScene = SimulationView & { scene: Scene };
/** A drawing as it is, or what was seen in it and put right. */
export type SketchInput = Drawing | { recognition: Recognition };
export type NewSimulation =
  | { prompt: string; picture?: Picture }
  | { sketch: SketchInput; prompt?: string }
  | { template: string };
/** `session` is told how far it has got. */
export type CreateRequest = NewSimulation & { session?: string };

/** What was read in a picture of a drawing. */
export interface SketchAnswer {
  drawing: Drawing;
  recognition: Recognition;
  understood: string[];
  warnings: string[];
}

/** What the server said was wrong (RFC 9457 problem details), or that it could not be reached: `offline`. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly issues: Issue[];
  readonly suggestions: string[];

  constructor(problem: Problem) {
    super(problem.detail);
    this.title = problem.title;
    this.status = problem.status;
    this.code = problem.code;
    this.issues = problem.issues ?? [];
    this.suggestions = problem.suggestions ?? [];
  }
}

interface Problem {
  title: string;
  status: number;
  code: string;
  detail: string;
  issues?: Issue[];
  suggestions?: string[];
}

const TIMEOUT_MS = 60_000;

/** The calls of SimGen that the page makes. Every one throws `ApiError`. */
export const api = {
  async templates(): Promise<Template[]> {
    return (await call<{ templates: Template[] }>("GET", "/api/v1/templates")).templates;
  },
  async simulations(): Promise<SimulationView[]> {
    return (await call<{ simulations: SimulationView[] }>("GET", "/api/v1/simulations")).simulations;
  },
  simulation(id: string): Promise<SimulationWithScene> {
    return call("GET", `/api/v1/simulations/${encodeURIComponent(id)}`);
  },
  /** The server gives up as well when `signal` aborts. */
  create(request: CreateRequest, signal: AbortSignal): Promise<SimulationWithScene> {
    return call("POST", "/api/v1/simulations", request, signal);
  },
  /** Reads a picture of a drawing; makes nothing. */
  readSketch(picture: Blob, signal: AbortSignal): Promise<SketchAnswer> {
    return call("POST", "/api/v1/sketches", picture, signal);
  },
  async remove(id: string): Promise<void> {
    await call("DELETE", `/api/v1/simulations/${encodeURIComponent(id)}`);
  },
};

/** Whatever was thrown. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new ApiError({ title: "Something broke on this page", detail, status: 0, code: "page" });
}

/** Sends JSON, or a file as it is. Trusts the shape of a good answer: it comes from the same build as the page. */
async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  let response: Response;
  let answer: unknown;
  try {
    response = await fetch(path, {
      method,
      signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), ...(signal ? [signal] : [])]),
      ...contentOf(body),
    });
    answer = response.status === 204 ? undefined : await response.json().catch(() => undefined);
  } catch {
    throw new ApiError({
      title: "The server cannot be reached",
      detail: "Check your connection; nothing you typed or drew is lost.",
      status: 0,
      code: "offline",
    });
  }
  if (!response.ok) throw new ApiError(isProblem(answer) ? answer : unexplained(response.status));
  return answer as T;
}

function contentOf(body: unknown): RequestInit {
  if (body === undefined) return {};
  if (body instanceof Blob) return { headers: { "content-type": body.type }, body };
  return { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

function isProblem(answer: unknown): answer is Problem {
  return typeof answer === "object" && answer !== null && "title" in answer && "detail" in answer && "code" in answer;
}

function unexplained(status: number): Problem {
  return {
    title: "Something broke on our side",
    detail: `The server answered ${status} without saying why. Please try again.`,
    status,
    code: "unexplained",
  };
}
