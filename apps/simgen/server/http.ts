import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import type { ServerResponse } from "node:http";
import compress from "@fastify/compress";
import helmet from "@fastify/helmet";
import serveStatic from "@fastify/static";
import swagger from "@fastify/swagger";
import type { Resources } from "@holdfast/resources";
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyRequest,
  LogController,
} from "fastify";
import { jsonSchemaTransform, type ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { formatIssue, type Issue, issuesOf } from "../sim/issue.ts";
import { TEMPLATES } from "../sim/templates/index.ts";
import { buildTemplate } from "../sim/templates/template.ts";
import type { Health } from "./health.ts";
import type { Identities } from "./identity.ts";
import { asProblem } from "./live.ts";
import { owners } from "./owner.ts";
import { Problem } from "./problem.ts";
import { createSchema, type Simulations } from "./simulations.ts";

export interface HttpServices {
  logger: FastifyBaseLogger;
  identities: Identities;
  simulations: Simulations;
  health: Health;
  resources: Resources;
  /** Prometheus text. */
  metrics(): Promise<string>;
  /** The built page. */
  pageDir: string;
}

declare module "fastify" {
  interface FastifyRequest {
    /** Whose simulations this request is about. */
    owner: string;
  }
}

/** A scene of 200 bodies takes about 100 KB of JSON. */
const BODY_BYTES_MAX = 1024 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;
const LIST_MAX = 100;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

const problemSchema = z
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

const viewSchema = z.object({
  id: z.string(),
  name: z.string(),
  planner: z.enum(["template", "rules", "llm", "cv", "scene"]),
  model: z.string().nullable().meta({ description: "The language model that made it" }),
  prompt: z.string().nullable(),
  understood: z.array(z.string()),
  warnings: z.array(z.string()),
  createdAt: z.iso.datetime(),
});
const simulationSchema = viewSchema.extend({
  scene: z.unknown().meta({ description: "The scene, with every default filled in" }),
});
const idParams = z.strictObject({ id: z.string().min(1).max(64) });

/** SimGen over HTTP; nothing listens yet. */
export async function createHttp(services: HttpServices): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: services.logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    trustProxy: ["loopback", "linklocal", "uniquelocal"],
    forceCloseConnections: "idle",
    genReqId: requestId,
  }).withTypeProvider<ZodTypeProvider>();

  app.setValidatorCompiler<z.ZodType>(({ schema }) => (input) => {
    const result = schema.safeParse(input);
    return result.success ? { value: result.data } : { error: requestProblem(issuesOf(result.error, input)) };
  });
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const problem = problemOf(error);
    if (problem.status >= 500) request.log.error({ err: error, code: problem.code }, problem.message);
    // The rest of the body is read and thrown away: closing on a client that still writes would cost it the answer.
    if (problem.code === "body_too_large") reply.removeHeader("connection");
    if (problem.details.retryAfterSeconds !== undefined) reply.header("retry-after", problem.details.retryAfterSeconds);
    return reply.status(problem.status).type("application/problem+json").send(JSON.stringify(problem));
  });
  app.setNotFoundHandler((request) => {
    throw new Problem("not_found", `expected a documented path, got ${request.method} ${request.url.slice(0, 200)}`);
  });
  // What a request holds is its own, and ends with it at the latest.
  app.addHook("onRequest", (request, reply, done) => {
    const scope = services.resources.scope(`${request.method} ${request.url.slice(0, 100)}`);
    reply.raw.once("close", () => {
      scope.close().catch((error) => request.log.error({ err: error }, "something was not released"));
    });
    owners.run(scope, done);
  });
  app.addHook("onSend", async (request, reply) => {
    reply.header("x-request-id", request.id);
  });
  app.addHook("onResponse", async (request, reply) => {
    const { method, url } = request;
    if (url.startsWith("/api/"))
      request.log.info({ method, url, status: reply.statusCode, ms: Math.round(reply.elapsedTime) }, "request");
  });

  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        imgSrc: ["'self'", "data:", "blob:"],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
        formAction: ["'self'"],
      },
    },
    // Whoever ends TLS in front of this server sets it.
    strictTransportSecurity: false,
  });
  // gzip alone: brotli at a level that is worth it takes seconds of CPU for the page's script.
  await app.register(compress, { encodings: ["gzip"] });
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "SimGen",
        version: "1",
        description: "A prompt becomes a live physics simulation. Frames travel over the WebSocket at /ws.",
      },
    },
    transform: jsonSchemaTransform,
  });
  await app.register(async (scope) => api(scope, services), { prefix: "/api/v1" });
  operations(app, services);
  await page(app, services.pageDir);
  return app;
}

async function api(scope: FastifyInstance, { identities, simulations }: HttpServices): Promise<void> {
  const app = scope.withTypeProvider<ZodTypeProvider>();
  app.decorateRequest("owner", "");
  app.addHook("onRequest", async (request, reply) => {
    const { owner, setCookie } = identities.identify(request.raw);
    request.owner = owner;
    if (setCookie !== undefined) reply.header("set-cookie", setCookie);
  });
  const problems = { "4XX": problemSchema, "5XX": problemSchema };

  app.post(
    "/simulations",
    { schema: { summary: "Make a simulation", body: createSchema, response: { 201: simulationSchema, ...problems } } },
    async (request, reply) => {
      const simulation = await simulations.create(request.owner, request.body, goneSignal(reply.raw));
      return reply.status(201).header("location", `/api/v1/simulations/${simulation.id}`).send(simulation);
    },
  );
  app.get(
    "/simulations",
    {
      schema: {
        summary: "Your simulations, newest first",
        querystring: z.strictObject({
          limit: z.coerce.number<string>().int().min(1).max(LIST_MAX).default(LIST_MAX),
          before: z.string().max(64).exactOptional(),
        }),
        response: { 200: z.object({ simulations: z.array(viewSchema), next: z.string().nullable() }), ...problems },
      },
    },
    ({ owner, query }) => simulations.list(owner, query.limit, query.before),
  );
  app.get(
    "/simulations/:id",
    { schema: { summary: "One simulation", params: idParams, response: { 200: simulationSchema, ...problems } } },
    ({ owner, params }) => simulations.get(owner, params.id),
  );
  app.delete(
    "/simulations/:id",
    { schema: { summary: "Delete a simulation", params: idParams, response: { 204: z.undefined(), ...problems } } },
    async ({ owner, params }, reply) => {
      await simulations.delete(owner, params.id);
      return reply.status(204).send();
    },
  );

  const templates = TEMPLATES.map((template) => ({
    id: template.id,
    title: template.title,
    description: template.description,
    params: z.toJSONSchema(template.params, { io: "input" }),
    scene: buildTemplate(template),
  }));
  const templateSchema = z.object({
    id: z.string(),
    title: z.string(),
    description: z.string(),
    params: z.unknown(),
    scene: z.unknown(),
  });
  app.get(
    "/templates",
    {
      schema: {
        summary: "The built-in scenes",
        response: { 200: z.object({ templates: z.array(templateSchema) }), ...problems },
      },
    },
    async () => ({ templates }),
  );
}

/** Aborted when the caller has hung up before its answer. */
function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) gone.abort(new Problem("caller_gone", "the caller hung up"));
  });
  return gone.signal;
}

/** For load balancers and those who operate the service; nginx publishes only /health. */
function operations(app: FastifyInstance, { health, metrics }: HttpServices): void {
  const hidden = { schema: { hide: true } };
  app.get("/health", hidden, async (_, reply) => {
    const report = health.report();
    const checks = Object.fromEntries(Object.entries(report.checks).map(([name, { status }]) => [name, { status }]));
    return reply.status(report.status === "unhealthy" ? 503 : 200).send({ status: report.status, checks });
  });
  app.get("/health/live", hidden, async () => ({ status: "healthy" }));
  app.get("/health/ready", hidden, async (_, reply) => {
    if (health.draining) return reply.status(503).send({ status: "unhealthy", detail: "shutting down" });
    return { status: "healthy" };
  });
  app.get("/health/detailed", hidden, async () => ({
    ...health.report(),
    draining: health.draining,
    uptimeSeconds: Math.round(process.uptime()),
    memory: process.memoryUsage(),
  }));
  app.get("/metrics", hidden, async (_, reply) => reply.type("text/plain; version=0.0.4").send(await metrics()));
  app.get("/openapi.json", hidden, async () => app.swagger());
}

async function page(app: FastifyInstance, dir: string): Promise<void> {
  if (!existsSync(dir)) {
    app.log.warn({ dir }, "the page is not built: npm start builds it");
    return;
  }
  await app.register(serveStatic, {
    root: dir,
    setHeaders(reply, path) {
      const immutable = path.includes("/assets/");
      reply.header("cache-control", immutable ? "public, max-age=31536000, immutable" : "no-cache");
    },
  });
  app.get("/s/:id", { schema: { hide: true } }, (_, reply) => reply.sendFile("index.html"));
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
function problemOf(error: FastifyError): Problem {
  switch (error.code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return new Problem("body_too_large", `expected at most ${BODY_BYTES_MAX} bytes`);
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return new Problem("media_type_unsupported", "expected Content-Type: application/json");
    case "FST_ERR_CTP_EMPTY_JSON_BODY":
    case "FST_ERR_CTP_INVALID_JSON_BODY":
      return new Problem("json_malformed", `expected JSON: ${error.message}`);
  }
  if (error instanceof SyntaxError) return new Problem("json_malformed", `expected JSON: ${error.message}`);
  const problem = asProblem(error);
  if (problem.code === "internal_error" && error.statusCode !== undefined && error.statusCode < 500)
    return new Problem("request_invalid", error.message);
  return problem;
}
