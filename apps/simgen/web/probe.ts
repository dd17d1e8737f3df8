import type { Pad, PadState } from "./sketch/pad.ts";
import type { Stage } from "./stage.ts";
import type { Shown, Viewer } from "./viewer.ts";

declare global {
  interface Window {
    /** What tests read: poses as shown, not as last received. */
    simgen: {
      pose(bodyId: string): Shown | undefined;
      step(): number;
      renderedFrames(): number;
      memory(): { geometries: number; textures: number };
      sketch(): PadState;
    };
  }
}

export function openToTests(viewer: Viewer | undefined, stage: Stage | undefined, pad: Pad): void {
  window.simgen = {
    pose: (bodyId) => viewer?.pose(bodyId),
    step: () => viewer?.step ?? 0,
    renderedFrames: () => stage?.renderedFrames ?? 0,
    memory: () => stage?.memory ?? { geometries: 0, textures: 0 },
    sketch: () => pad.state,
  };
}
