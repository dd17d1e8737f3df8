import { existsSync } from "node:fs";
import compress from "@fastify/compress";
import helmet from "@fastify/helmet";
import serveStatic from "@fastify/static";
import swagger, { type SwaggerTransform } from "@fastify/swagger";
import type { Health } from "@holdfast/health";
import type { Resources } from "@holdfast/resources";
import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import { jsonSchemaTransform, type ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { acceptImages, IMAGE_BODIES, IMAGE_TYPES, sketchBodySchema, sketchQuerySchema } from "../cv/sketch-body.ts";
import {
  BODY_BYTES_MAX,
  goneSignal,
  httpApp,
  letGoWhileDraining,
  operations,
  PROBLEM_RESPONSES,
} from "../service/http-app.ts";
import { TEMPLATES } from "../sim/templates/index.ts";
import { buildTemplate } from "../sim/templates/template.ts";
import type { Identities } from "./identity.ts";
import { asProblem } from "./live.ts";
import { owners } from "./owner.ts";
import { SKETCH_PICTURE_CHARS_MAX } from "./picture.ts";
import { createSchema, type Simulations } from "./simulations.ts";
import type { SketchReader } from "./sketch-reader.ts";

export interface HttpServices {
  logger: FastifyBaseLogger;
  identities: Identities;
  simulations: Simulations;
  sketches: SketchReader;
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

const LIST_MAX = 100;
/** Of a simulation to be made: a sketch may be an image, in base64. */
const CREATE_BYTES_MAX = SKETCH_PICTURE_CHARS_MAX + BODY_BYTES_MAX;

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
const seenSchema = z.object({
  drawing: z.unknown().meta({ description: "The strokes, traced if it was an image; null beside a recognition" }),
  recognition: z.unknown().meta({ description: "What is seen: shapes, links, arrows, labels" }),
  understood: z.array(z.string()),
  warnings: z.array(z.string()),
  by: z.enum(["cv", "embedded"]).meta({ description: "Who has read it: the CV service, or this server itself" }),
});
const idParams = z.strictObject({ id: z.string().min(1).max(64) });

/** SimGen over HTTP; nothing listens yet. */
export async function createHttp(services: HttpServices): Promise<FastifyInstance> {
  const app = httpApp({ logger: services.logger, asProblem });
  // What a request holds is its own, and ends with it at the latest.
  letGoWhileDraining(app, services.health);
  app.addHook("onRequest", (request, reply, done) => {
    const scope = services.resources.scope(`${request.method} ${request.url.slice(0, 100)}`);
    reply.raw.once("close", () => {
      scope.close().catch((error) => request.log.error({ err: error }, "something was not released"));
    });
    owners.run(scope, done);
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
    transform: openapiOf,
  });
  await app.register(async (scope) => api(scope, services), { prefix: "/api/v1" });
  operations(app, services);
  app.get("/openapi.json", { schema: { hide: true } }, async () => app.swagger());
  await page(app, services.pageDir);
  return app;
}

async function api(scope: FastifyInstance, { identities, simulations, sketches }: HttpServices): Promise<void> {
  const app = scope.withTypeProvider<ZodTypeProvider>();
  app.decorateRequest("owner", "");
  app.addHook("onRequest", async (request, reply) => {
    const { owner, setCookie } = identities.identify(request.raw);
    request.owner = owner;
    if (setCookie !== undefined) reply.header("set-cookie", setCookie);
  });
  const problems = PROBLEM_RESPONSES;

  app.post(
    "/simulations",
    {
      bodyLimit: CREATE_BYTES_MAX,
      schema: { summary: "Make a simulation", body: createSchema, response: { 201: simulationSchema, ...problems } },
    },
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

  await app.register(async (images) => {
    acceptImages(images);
    images.withTypeProvider<ZodTypeProvider>().post(
      "/sketches",
      {
        config: { takes: IMAGE_BODIES },
        schema: {
          summary: "What is seen in a sketch; nothing is kept",
          querystring: sketchQuerySchema,
          body: sketchBodySchema,
          response: { 200: seenSchema, ...problems },
        },
      },
      async ({ body, query }, reply) => {
        const { scene: _, ...seen } = await sketches.read({ ...query, ...body }, goneSignal(reply.raw));
        return seen;
      },
    );
  });

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

/** Routes that take images as well say so. */
const openapiOf: SwaggerTransform = (document) => {
  const { schema, url } = jsonSchemaTransform(document);
  if (!document.route.config?.takes) return { schema, url };
  const image = { schema: { type: "string", format: "binary" } };
  const types = {
    "application/json": { schema: schema.body },
    ...Object.fromEntries(IMAGE_TYPES.map((type) => [type, image])),
  };
  return { schema: { ...schema, body: { content: types } }, url };
};

async function page(app: FastifyInstance, dir: string): Promise<void> {
  if (!existsSync(dir)) {
    app.log.warn({ dir }, "the page is not built: npm start builds it");
    return;
  }
  await app.register(serveStatic, {
    root: dir,
    // The image of the stack has them beside the files; elsewhere the answer is compressed as it goes.
    preCompressed: true,
    setHeaders(reply, path) {
      const immutable = path.includes("/assets/");
      reply.header("cache-control", immutable ? "public, max-age=31536000, immutable" : "no-cache");
    },
  });
  app.get("/s/:id", { schema: { hide: true } }, (_, reply) => reply.sendFile("index.html"));
}
