import type { Health } from "@holdfast/health";
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from "fastify";
import { goneSignal, httpApp, letGoWhileDraining, mediaTypeOf, operations } from "../service/http-app.ts";
import { Problem } from "../service/problem.ts";
import type { Analyzer } from "./analyzer.ts";
import type { CvMetrics, SketchKind } from "./metrics.ts";
import { acceptImages, IMAGE_BODIES, IMAGE_TYPES, sketchBodySchema, sketchQuerySchema } from "./sketch-body.ts";
import { SketchError, sketchProblem } from "./sketch-error.ts";

export interface CvServices {
  logger: FastifyBaseLogger;
  analyzer: Pick<Analyzer, "analyze">;
  health: Health;
  metrics: CvMetrics;
}

/** The CV service over HTTP; nothing listens yet. */
export function createCvHttp({ logger, analyzer, health, metrics }: CvServices): FastifyInstance {
  const app = httpApp({ logger, asProblem });
  acceptImages(app);
  letGoWhileDraining(app, health);
  // By its end, whatever that is: whoever has hung up is sent no answer.
  app.addHook("onRequest", async (request, { raw }) => {
    if (!request.url.startsWith("/analyze")) return;
    const startedMs = performance.now();
    raw.once("close", () => {
      const outcome = raw.writableFinished ? (request.problemCode ?? "ok") : "caller_gone";
      const ms = performance.now() - startedMs;
      metrics.count(kindOf(request), outcome, ms);
      request.log.info({ outcome, ms: Math.round(ms) }, "sketch");
    });
  });
  app.post(
    "/analyze",
    { config: { takes: IMAGE_BODIES }, schema: { querystring: sketchQuerySchema, body: sketchBodySchema } },
    ({ body, query }, reply) => analyzer.analyze({ ...query, ...body }, goneSignal(reply.raw)),
  );
  operations(app, { health, metrics: metrics.text });
  return app;
}

/** What it came as, whether it could be read or not. */
function kindOf({ headers, body }: FastifyRequest): SketchKind {
  if (IMAGE_TYPES.includes(mediaTypeOf(headers["content-type"]))) return "image";
  if (typeof body !== "object" || body === null) return "unknown";
  if ("drawing" in body || "strokes" in body) return "drawing";
  return "recognition" in body ? "recognition" : "unknown";
}

function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof SketchError) return sketchProblem(error);
  return new Problem("internal_error", "the log has the details");
}
