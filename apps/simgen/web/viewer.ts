import { type Frame, FrameDecoder } from "../sim/frame.ts";
import type { Scene, Vec3 } from "../sim/scene.ts";
import { Model } from "./model.ts";
import { Playback, type PlaybackState } from "./playback.ts";
import type { Stage } from "./stage.ts";

export interface Shown {
  position: Vec3;
  /** [w, x, y, z] */
  quaternion: [number, number, number, number];
}

/** Shows the frames of one simulation at a time on a stage. */
export class Viewer {
  scene: Scene | undefined;
  readonly #stage: Stage;
  #run: number | undefined;
  /** Frames may come sooner than the word which run they are of; so it is kept from one run to the next. */
  readonly #decoder = new FrameDecoder();
  #playback = new Playback(0.002);

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** Shows a scene; its bodies appear with the first frame. */
  open(scene: Scene): void {
    this.scene = scene;
    this.#run = undefined;
    this.#playback = new Playback(scene.timestep);
    this.#stage.show(new Model(scene), scene);
  }

  /** From now on the frames of `run` are shown, and no others. True when another run was shown before. */
  join(run: number): boolean {
    const isAnother = this.#run !== undefined && this.#run !== run;
    this.#run = run;
    return isAnother;
  }

  close(): void {
    this.scene = undefined;
    this.#run = undefined;
    this.#playback = new Playback(0.002);
    this.#stage.show(undefined);
  }

  /** Takes a frame's bytes; undefined when it belongs to another run or its keyframe has not come. */
  take(bytes: Uint8Array, nowMs: number): Frame | undefined {
    const frame = this.#decoder.decode(bytes);
    if (!frame || frame.run !== this.#run || frame.positions.length !== (this.scene?.bodies.length ?? 0) * 3)
      return undefined;
    this.#playback.push(frame, nowMs);
    return frame;
  }

  /** Draws the moment of `nowMs`, if it differs from what is on the screen. */
  draw(nowMs: number): void {
    const playback = this.#playback;
    if (playback.sample(nowMs)) this.#stage.pose(playback.positions, playback.quaternions);
    this.#stage.render(nowMs);
  }

  state(nowMs: number): PlaybackState {
    return this.#playback.state(nowMs);
  }

  /** Physics steps, as shown. */
  get step(): number {
    return this.#playback.step;
  }

  get delayMs(): number {
    return this.#playback.delayMs;
  }

  /** A body's pose, as shown. */
  pose(bodyId: string): Shown | undefined {
    const index = this.scene?.bodies.findIndex((body) => body.id === bodyId) ?? -1;
    const { positions, quaternions } = this.#playback;
    if (index < 0 || positions.length === 0) return undefined;
    const p = (part: number) => positions[index * 3 + part] ?? 0;
    const q = (part: number) => quaternions[index * 4 + part] ?? 0;
    return { position: [p(0), p(1), p(2)], quaternion: [q(0), q(1), q(2), q(3)] };
  }
}
