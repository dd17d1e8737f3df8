import type { Scene } from "../sim/scene.ts";
import type { Drawing } from "./drawing.ts";
import { sceneOf } from "./machine.ts";
import { MachineError } from "./machine-error.ts";
import { labelled } from "./reading/labels.ts";
import type { Recognition } from "./recognition.ts";
import { recognize } from "./recognize.ts";
import { recognitionSchema, SKETCH_LIMITS } from "./sketch.ts";
import { SketchError } from "./sketch-error.ts";
import type { GreyImage } from "./trace/grey-image.ts";
import { ImageError } from "./trace/image-error.ts";

/** One sketch: pen strokes, the bytes of a PNG, JPEG or WebP, or what was seen in it before, perhaps put right by hand. */
export type Sketch = { drawing: Drawing } | { image: Uint8Array } | { recognition: Recognition };

/** A prompt beside it refines what is made of it. */
export type AnalysisInput = Sketch & { prompt?: string };

export interface Analysis {
  /** The strokes, traced if it was an image; none when it was given as a recognition. */
  drawing: Drawing | null;
  recognition: Recognition;
  /** Null when what is seen makes no machine; the first warning says why. */
  scene: Scene | null;
  understood: string[];
  warnings: string[];
}

/** From a sketch to a scene. Throws `SketchError` for what the sketch is to blame for; any other error is a bug. */
export async function analyze(input: AnalysisInput): Promise<Analysis> {
  try {
    const { picture, ...drawn } = await drawingOf(input);
    const { drawing, warnings } = await labelled(drawn.drawing, picture);
    const recognition = "recognition" in input ? input.recognition : recognize(drawing ?? NOTHING);
    checkCounts(recognition);
    const made = await madeOf(recognition, input.prompt);
    // It may come back, put right by hand; so what leaves here has to be what is taken there.
    const parsed = recognitionSchema.parse(recognition);
    return { drawing, recognition: parsed, ...made, warnings: [...made.warnings, ...warnings] };
  } catch (error) {
    if (error instanceof ImageError) throw new SketchError(error.code, error.message);
    throw error;
  }
}

/** What was drawn is worth having, whether it makes a machine or not: a shape put right by hand may be all it lacks. */
async function madeOf(
  recognition: Recognition,
  prompt: string | undefined,
): Promise<Pick<Analysis, "scene" | "understood" | "warnings">> {
  try {
    const made = sceneOf(recognition);
    if (prompt === undefined) return made;
    const { refine } = await import("./refinement.ts");
    return refine(made, prompt);
  } catch (error) {
    if (!(error instanceof MachineError)) throw error;
    return { scene: null, understood: [], warnings: [error.message] };
  }
}

function checkCounts(recognition: Recognition): void {
  for (const kind of ["shapes", "links", "arrows"] as const) {
    const count = recognition[kind].length;
    if (count > SKETCH_LIMITS[kind])
      throw new SketchError("sketch_not_understood", `expected at most ${SKETCH_LIMITS[kind]} ${kind}, got ${count}`);
  }
}

const NOTHING: Drawing = { width: 1, height: 1, strokes: [], texts: [] };

/** With the picture that it was traced from, if it came as an image. */
async function drawingOf(sketch: Sketch): Promise<{ drawing: Drawing | null; picture?: GreyImage }> {
  if ("recognition" in sketch) return { drawing: null };
  if ("drawing" in sketch) return { drawing: sketch.drawing };
  // sharp takes 20 MB and more: only for those who send images.
  const [{ decodeImage }, { drawingIn }] = await Promise.all([import("./trace/grey-image.ts"), import("./picture.ts")]);
  const picture = await decodeImage(sketch.image);
  return { drawing: drawingIn(picture), picture };
}
