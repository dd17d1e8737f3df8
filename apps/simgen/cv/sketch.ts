import { z } from "zod";
import type { Drawing, Point } from "./drawing.ts";
import type { Recognition } from "./recognition.ts";

export const SKETCH_LIMITS = {
  /** Of width and height, in a drawing's units. */
  size: 20_000,
  strokes: 400,
  points: 20_000,
  pointsPerShape: 64,
  texts: 40,
  textChars: 40,
  shapes: 100,
  links: 200,
  arrows: 200,
} as const;

const number = z
  .number()
  .min(-2 * SKETCH_LIMITS.size)
  .max(2 * SKETCH_LIMITS.size);
const point = z.tuple([number, number]);
const size = z.number().min(1).max(SKETCH_LIMITS.size);
const text = z.string().trim().min(1).max(SKETCH_LIMITS.textChars);

/** Pen strokes; without a size, that of what is drawn. */
export const drawingSchema = z
  .strictObject({
    width: size.exactOptional(),
    height: size.exactOptional(),
    strokes: z
      .array(z.array(point).min(1).max(SKETCH_LIMITS.points))
      .min(1)
      .max(SKETCH_LIMITS.strokes)
      .meta({ description: "Each a list of [x, y]: x to the right, y down" }),
    texts: z
      .array(z.strictObject({ text, at: point }))
      .max(SKETCH_LIMITS.texts)
      .default([])
      .meta({ description: "Words in the drawing, such as 2 kg, beside what they are about" }),
  })
  .refine(({ strokes }) => strokes.reduce((sum, { length }) => sum + length, 0) <= SKETCH_LIMITS.points, {
    path: ["strokes"],
    message: `at most ${SKETCH_LIMITS.points} points in all`,
  })
  .transform(({ width, height, strokes, texts }): Drawing => {
    const [right, bottom] = strokes
      .flat()
      .reduce<Point>(([x, y], [px, py]) => [Math.max(x, px), Math.max(y, py)], [1, 1]);
    const upTo = (extent: number) => Math.min(extent, SKETCH_LIMITS.size);
    return { width: width ?? upTo(right), height: height ?? upTo(bottom), strokes, texts };
  });

const seen = {
  id: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, "a small letter, then up to 31 small letters, digits or -"),
  confidence: z.number().min(0).max(1).default(1),
  strokes: z.array(z.int().min(0)).max(SKETCH_LIMITS.strokes).default([]),
};
/** What is seen may reach beyond what was drawn: to where two lines would cross. */
const far = z
  .number()
  .min(-4 * SKETCH_LIMITS.size)
  .max(4 * SKETCH_LIMITS.size);
const seenPoint = z.tuple([far, far]);
const points = (min: number) => z.array(seenPoint).min(min).max(SKETCH_LIMITS.pointsPerShape);
const length = z
  .number()
  .positive()
  .max(4 * SKETCH_LIMITS.size);
const fixed = z.boolean().default(false);

const shape = z.discriminatedUnion("kind", [
  z.strictObject({ ...seen, kind: z.literal("circle"), fixed, center: seenPoint, radius: length }),
  z.strictObject({
    ...seen,
    ...{ kind: z.literal("box"), fixed, center: seenPoint },
    size: z.tuple([length, length]),
    angle: z.number().min(-Math.PI).max(Math.PI).default(0),
  }),
  z.strictObject({ ...seen, kind: z.literal("polygon"), fixed, points: points(3) }),
  z.strictObject({ ...seen, kind: z.literal("line"), fixed, points: points(2) }),
  z.strictObject({ ...seen, kind: z.literal("ground"), fixed: z.boolean().default(true), points: points(2) }),
]);

const ends = { a: z.string(), b: z.string().nullable() };
const link = z.discriminatedUnion("kind", [
  z.strictObject({ ...seen, ...ends, kind: z.literal("hinge"), at: seenPoint }),
  z.strictObject({ ...seen, ...ends, kind: z.literal("weld"), at: seenPoint }),
  z.strictObject({ ...seen, ...ends, kind: z.literal("rope"), points: points(2) }),
  z.strictObject({ ...seen, ...ends, kind: z.literal("spring"), points: z.tuple([seenPoint, seenPoint]) }),
]);

/** What was seen in a drawing, perhaps put right by hand. */
export const recognitionSchema = z
  .strictObject({
    width: size,
    height: size,
    shapes: z.array(shape).max(SKETCH_LIMITS.shapes),
    links: z.array(link).max(SKETCH_LIMITS.links).default([]),
    arrows: z
      .array(z.strictObject({ ...seen, does: z.enum(["push", "motor"]), points: points(2), target: z.string() }))
      .max(SKETCH_LIMITS.arrows)
      .default([]),
    labels: z
      .array(z.strictObject({ text, at: seenPoint, target: z.string().nullable() }))
      .max(SKETCH_LIMITS.texts)
      .default([]),
    unknown: z.array(z.int().min(0)).max(SKETCH_LIMITS.strokes).default([]),
  })
  .superRefine((recognition, context) => crossCheck(recognition, context)) satisfies z.ZodType<Recognition>;

function crossCheck(recognition: Recognition, context: z.RefinementCtx): void {
  const ids = new Set<string>();
  const fail = (path: (string | number)[], message: string) => context.addIssue({ code: "custom", path, message });
  recognition.shapes.forEach(({ id }, index) => {
    if (ids.has(id)) fail(["shapes", index, "id"], "an id that is not taken");
    ids.add(id);
  });
  recognition.links.forEach(({ a, b }, index) => {
    if (!ids.has(a)) fail(["links", index, "a"], "the id of a shape");
    if (b !== null && !ids.has(b)) fail(["links", index, "b"], "the id of a shape, or null for the paper");
    if (a === b) fail(["links", index, "b"], "another shape");
  });
  recognition.arrows.forEach(({ target }, index) => {
    if (!ids.has(target)) fail(["arrows", index, "target"], "the id of a shape");
  });
  recognition.labels.forEach(({ target }, index) => {
    if (target !== null && !ids.has(target)) fail(["labels", index, "target"], "the id of a shape, or null");
  });
}
