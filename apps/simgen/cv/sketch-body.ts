import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { mediaTypeOf } from "../service/http-app.ts";
import { Problem } from "../service/problem.ts";
import type { AnalysisInput, Sketch } from "./analysis.ts";
import { drawingSchema, recognitionSchema } from "./sketch.ts";
import { type ImageFormat, imageFormatOf, nameOfOther } from "./trace/image-format.ts";

export const IMAGE_BYTES_MAX = 10 * 1024 * 1024;
export const PROMPT_CHARS_MAX = 2000;

const FORMATS: Record<string, ImageFormat> = { "image/png": "png", "image/jpeg": "jpeg", "image/webp": "webp" };
export const IMAGE_TYPES = Object.keys(FORMATS);
/** For the configuration of a route behind `acceptImages`. */
export const IMAGE_BODIES = { types: IMAGE_TYPES, bytesMax: IMAGE_BYTES_MAX };

export const promptSchema = z
  .string()
  .trim()
  .min(1)
  .max(PROMPT_CHARS_MAX)
  .meta({ description: "Refines what is made of the sketch, such as: on the Moon, the ball is steel" });

const recognitionForm = z.strictObject({
  recognition: recognitionSchema.meta({ description: "What was seen in a sketch, perhaps put right by hand" }),
});
const strokesForm = drawingSchema.transform((drawing) => ({ drawing }));
/** What the parser of images makes of a body. */
const imageForm = z.strictObject({ image: z.instanceof(Uint8Array) });

/** The forms in which a sketch comes as JSON, told apart by the field that each must have. */
export const SKETCH_FORMS = { strokes: strokesForm, recognition: recognitionForm } as const;

/** The body of a request that is about one sketch: strokes or a recognition, with a prompt if need be, or an image. */
export const sketchBodySchema = z
  .unknown()
  .transform((body, context): AnalysisInput => {
    const { prompt, ...sketch } = parsed(z.looseObject({ prompt: promptSchema.exactOptional() }), body, context);
    const form = formByField<Sketch>({ ...SKETCH_FORMS, image: imageForm }, Object.keys(SKETCH_FORMS));
    return { ...parsed(form, sketch, context), ...(prompt === undefined ? {} : { prompt }) };
  })
  .meta({
    anyOf: Object.values(SKETCH_FORMS).map((form) => jsonSchemaOf(form, { prompt: jsonSchemaOf(promptSchema) })),
  });

export const sketchQuerySchema = z.strictObject({
  prompt: promptSchema.exactOptional().meta({ description: "Beside an image" }),
});

/** Lets routes take images as bodies, and no text, for `sketchBodySchema`. Whether one is what its media type says is seen by its bytes. */
export function acceptImages(app: FastifyInstance): void {
  app.removeContentTypeParser("text/plain");
  app.addContentTypeParser(
    IMAGE_TYPES,
    { parseAs: "buffer", bodyLimit: IMAGE_BYTES_MAX },
    (request, image: Buffer, done) => {
      const mediaType = mediaTypeOf(request.headers["content-type"]);
      if (isOfType(mediaType, image)) done(null, { image });
      else {
        const got = imageFormatOf(image) ?? nameOfOther(image);
        done(new Problem("image_unsupported", `expected ${mediaType}, as its media type says, got ${got}`));
      }
    },
  );
}

/** Whether its first bytes are those of that media type. */
export function isOfType(mediaType: string, bytes: Uint8Array): boolean {
  const format = imageFormatOf(bytes);
  return format !== undefined && format === FORMATS[mediaType];
}

/**
 * Reads by the form whose field is there, so that errors name the field at fault: a union would only say that none fits.
 * `named`: the fields to tell of when there is none.
 */
export function formByField<Out>(forms: Record<string, z.ZodType<Out>>, named = Object.keys(forms)): z.ZodType<Out> {
  return z.unknown().transform((value, context) => {
    const isObject = typeof value === "object" && value !== null;
    const form = Object.entries(forms).find(([field]) => isObject && Object.hasOwn(value, field))?.[1];
    if (form) return parsed(form, value, context);
    context.addIssue({ code: "custom", message: `an object with one of the fields ${named.join(", ")}` });
    return z.NEVER;
  });
}

export function jsonSchemaOf(
  schema: z.ZodType,
  more: Record<string, z.core.JSONSchema.BaseSchema> = {},
): z.core.JSONSchema.BaseSchema {
  const json = z.toJSONSchema(schema, { io: "input" });
  return json.properties === undefined ? json : { ...json, properties: { ...json.properties, ...more } };
}

/** What it parses to; what is wrong is told as if it had been parsed in place. */
function parsed<Out>(schema: z.ZodType<Out>, value: unknown, context: z.RefinementCtx): Out {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  for (const issue of result.error.issues) context.addIssue({ ...issue });
  return z.NEVER;
}
