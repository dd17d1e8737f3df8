/** What threads do in tests of the analyzer: the prompt says how they misbehave. */
import { parseScene } from "../sim/scene.ts";
import type { Analysis, AnalysisInput } from "./analysis.ts";
import { SketchError } from "./sketch-error.ts";

/** What is never let go. */
const kept: Uint8Array[] = [];

export async function analyze({ prompt = "", ...sketch }: AnalysisInput): Promise<Analysis> {
  const [what, ms = "0"] = prompt.split(" ");
  switch (what) {
    case "spin":
      for (;;);
    case "wait":
      await new Promise((resolve) => setTimeout(resolve, Number(ms)));
      break;
    case "throw":
      throw new Error("a mistake of ours");
    case "refuse":
      throw new SketchError("sketch_not_understood", "nothing is in it");
    case "exit":
      return process.exit(1);
    case "crash":
      setTimeout(() => {
        throw new Error("out of nowhere");
      });
      await new Promise(() => {});
      break;
    case "keep":
      kept.push(new Uint8Array(Number(ms) * 1024 ** 2).fill(1));
      break;
    case "grow": {
      const grown: number[][] = [];
      for (;;) grown.push(new Array(100_000).fill(grown.length));
    }
  }
  const bytes = "image" in sketch ? sketch.image.reduce((sum, byte) => sum + byte, 0) : 0;
  return { ...NOTHING, understood: [`${what}`, `${bytes}`] };
}

const NOTHING: Analysis = {
  drawing: null,
  recognition: { width: 1, height: 1, shapes: [], links: [], arrows: [], labels: [], unknown: [] },
  scene: parseScene({
    name: "nothing",
    bodies: [{ id: "ball", pos: [0, 0, 1], geoms: [{ type: "sphere", size: [0.1] }] }],
  }),
  understood: [],
  warnings: [],
};
