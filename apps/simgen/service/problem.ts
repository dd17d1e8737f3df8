import type { Issue } from "../sim/issue.ts";

/** Every error code of SimGen, over HTTP (RFC 9457 problem details) and over the WebSocket. docs/ERRORS.md explains them. */
export const PROBLEMS = {
  json_malformed: { status: 400, title: "The body is not JSON" },
  request_invalid: { status: 400, title: "The request has wrong fields" },
  unauthorized: { status: 401, title: "The API key is not valid" },
  origin_forbidden: { status: 403, title: "This page may not open a connection here" },
  not_found: { status: 404, title: "There is nothing here" },
  simulation_not_found: { status: 404, title: "You have no such simulation" },
  template_unknown: { status: 404, title: "There is no such template" },
  simulation_not_running: { status: 409, title: "The simulation is not running" },
  body_too_large: { status: 413, title: "The body is too large" },
  image_too_large: { status: 413, title: "The image is too large" },
  media_type_unsupported: { status: 415, title: "The body is of a type that is not read here" },
  image_unsupported: { status: 415, title: "The image is not a PNG, JPEG or WebP" },
  scene_invalid: { status: 422, title: "The scene is not valid" },
  scene_uncompilable: { status: 422, title: "The physics engine cannot load the scene" },
  scene_too_slow: { status: 422, title: "The scene is too heavy to run live" },
  scene_unstable: { status: 422, title: "The scene explodes at once" },
  prompt_not_understood: { status: 422, title: "The prompt could not be made into a scene" },
  image_damaged: { status: 422, title: "The image cannot be decoded" },
  image_empty: { status: 422, title: "Nothing is drawn on the image" },
  image_too_complex: { status: 422, title: "The image is no drawing" },
  sketch_not_understood: { status: 422, title: "The sketch could not be made into a scene" },
  simulations_too_many: { status: 429, title: "You have too many simulations" },
  caller_gone: { status: 499, title: "The caller hung up" },
  internal_error: { status: 500, title: "Something broke on our side" },
  sketch_failed: { status: 500, title: "The sketch broke what reads it" },
  database_down: { status: 503, title: "The database cannot be reached at the moment" },
  capacity_full: { status: 503, title: "No room for another simulation" },
  sketch_queue_full: { status: 503, title: "Too many sketches wait to be read" },
  sketch_reader_down: { status: 503, title: "Sketches cannot be read at the moment" },
  shutting_down: { status: 503, title: "This server is going away" },
  sketch_too_slow: { status: 504, title: "Reading the sketch took too long" },
  message_invalid: { status: 400, title: "The message has wrong fields" },
  actuator_unknown: { status: 404, title: "The simulation has no such actuator" },
  control_out_of_range: { status: 422, title: "The control is outside the actuator's range" },
  simulation_failed: { status: 500, title: "The simulation stopped" },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof PROBLEMS;

export interface ProblemDetails {
  /** What was expected and what came, field by field. */
  issues?: Issue[];
  suggestions?: string[];
  retryAfterSeconds?: number;
}

/** An error whose code, message and details may be shown to whoever caused it. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly code: ProblemCode;
  readonly details: ProblemDetails;

  constructor(code: ProblemCode, detail: string, details: ProblemDetails = {}) {
    super(detail);
    this.code = code;
    this.details = details;
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }

  /** The body of an application/problem+json answer. */
  toJSON(): Record<string, unknown> {
    const { title, status } = PROBLEMS[this.code];
    return { type: `/problems/${this.code}`, title, status, code: this.code, detail: this.message, ...this.details };
  }
}
