import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import { HEALTH_PATHS, type Health, healthAnswer } from "@holdfast/health";
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyRequest,
  LogController,
} from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { formatIssue, type Issue, issuesOf } from "../sim/issue.ts";
import { Problem, type ProblemCode } from "./problem.ts";

/** A scene of 200 bodies takes about 100 KB of JSON. */
export const BODY_BYTES_MAX = 1024 * 1024;
/** A prompt in a query may be long: 2000 characters are up to 18,000 there. */
const HEADER_BYTES_MAX = 32 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string(),
    detail: z.string(),
    issues: z.array(z.object({ path: z.string(), expected: z.string(), received: z.string() })).optional(),
    suggestions: z.array(z.string()).optional(),
    retryAfterSeconds: z.number().optional(),
  })
  .meta({ description: "RFC 9457 problem details; `code` is stable" });

/** Problems that any route may answer with. */
export const PROBLEM_RESPONSES = { "4XX": problemSchema, "5XX": problemSchema };

declare module "fastify" {
  interface FastifyContextConfig {
    /** What its body may be besides JSON. */
    takes?: { types: readonly string[]; bytesMax: number };
  }
  interface FastifyRequest {
    /** Of the problem it was answered with. */
    problemCode: ProblemCode | undefined;
  }
}

export interface HttpAppOptions {
  logger: FastifyBaseLogger;
  /** What may be told of an error of one's own. */
  asProblem(error: unknown): Problem;
}

export type HttpApp = ReturnType<typeof httpApp>;

/** What is common to SimGen's HTTP servers: zod schemas, every error a problem with a code, request ids. */
export function httpApp({ logger, asProblem }: HttpAppOptions) {
  const app = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    trustProxy: ["loopback", "linklocal", "uniquelocal"],
    forceCloseConnections: "idle",
    // Whoever has got in is served, to the last.
    return503OnClosing: false,
    genReqId: requestId,
    http: { maxHeaderSize: HEADER_BYTES_MAX },
  }).withTypeProvider<ZodTypeProvider>();

  app.setValidatorCompiler<z.ZodType>(({ schema }) => (input) => {
    const result = schema.safeParse(input);
    return result.success ? { value: result.data } : { error: requestProblem(issuesOf(result.error, input)) };
  });
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));
  app.decorateRequest("problemCode", undefined);
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const problem = httpProblem(error, request) ?? asProblem(error);
    request.problemCode = problem.code;
    if (problem.status >= 500) request.log.error({ err: error, code: problem.code }, problem.message);
    // The rest of the body is read and thrown away: closing on a client that still writes would cost it the answer.
    if (problem.code === "body_too_large") reply.removeHeader("connection");
    if (problem.details.retryAfterSeconds !== undefined) reply.header("retry-after", problem.details.retryAfterSeconds);
    return reply.status(problem.status).type("application/problem+json").send(JSON.stringify(problem));
  });
  app.setNotFoundHandler((request) => {
    throw new Problem("not_found", `expected a documented path, got ${request.method} ${request.url.slice(0, 200)}`);
  });
  app.addHook("onSend", async (request, reply) => {
    reply.header("x-request-id", request.id);
  });
  return app;
}

/** While a server drains it answers, and then closes the connection: a balancer that keeps connections makes new ones elsewhere. */
export function letGoWhileDraining(app: FastifyInstance, health: Health): void {
  app.addHook("onSend", async (_, reply) => {
    if (health.isDraining) reply.header("connection", "close");
  });
}

/** For load balancers and those who operate a server; nginx publishes only /health of SimGen. */
export function operations(
  app: FastifyInstance,
  { health, metrics }: { health: Health; metrics(): Promise<string> },
): void {
  const hidden = { schema: { hide: true } };
  for (const path of HEALTH_PATHS)
    app.get(path, hidden, async (_, reply) => {
      const { status, headers, body } = healthAnswer(health, path);
      return reply.status(status).headers(headers).send(body);
    });
  app.get("/metrics", hidden, async (_, reply) => reply.type("text/plain; version=0.0.4").send(await metrics()));
}

/** Aborted when the caller has hung up before its answer. */
export function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) gone.abort(new Problem("caller_gone", "the caller hung up"));
  });
  return gone.signal;
}

export function mediaTypeOf(header: string | undefined): string {
  return (header ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

function requestId(request: FastifyRequest["raw"]): string {
  const given = request.headers["x-request-id"];
  return typeof given === "string" && REQUEST_ID.test(given) ? given : randomUUID();
}

function requestProblem(issues: Issue[]): Problem {
  const code = issues.every((issue) => issue.path.startsWith("scene")) ? "scene_invalid" : "request_invalid";
  return new Problem(code, issues.map(formatIssue).join("; "), { issues });
}

/** Fastify's own errors, in our words. */
function httpProblem(error: FastifyError, request: FastifyRequest): Problem | undefined {
  // Before the rest: Fastify puts its own statusCode on what validation throws.
  if (error instanceof Problem) return error;
  const { config, bodyLimit } = request.routeOptions;
  const types = ["application/json", ...(config.takes?.types ?? [])];
  const mediaType = mediaTypeOf(request.headers["content-type"]);
  switch (error.code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE": {
      const limit = config.takes?.types.includes(mediaType) ? config.takes.bytesMax : bodyLimit;
      return new Problem("body_too_large", `expected at most ${limit} bytes`);
    }
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return new Problem("media_type_unsupported", `expected Content-Type: ${types.join(", ")}, got ${mediaType}`);
    case "FST_ERR_CTP_EMPTY_JSON_BODY":
    case "FST_ERR_CTP_INVALID_JSON_BODY":
      return new Problem("json_malformed", `expected JSON: ${error.message}`);
  }
  if (error instanceof SyntaxError) return new Problem("json_malformed", `expected JSON: ${error.message}`);
  if (error.statusCode !== undefined && error.statusCode < 500) return new Problem("request_invalid", error.message);
  return;
}
