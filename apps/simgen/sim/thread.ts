import type { RunnerStats, RunStatus, Saved, Start } from "./runner.ts";
import type { Scene } from "./scene.ts";

/** What the pool and its worker threads say to each other. */
export type ToWorker =
  | { type: "start"; run: number; scene: Scene; start: Start }
  | { type: "probe"; lease: number; scene: Scene }
  /** The run stops, and its state is sent: it goes on in another thread, where it has been started standing. */
  | { type: "hand over"; run: number }
  | { type: "go on"; run: number; from: Saved; streaming: boolean }
  | { type: "stop"; run: number }
  | { type: "tell"; run: number; told: Told };

/** What a run is told. It is numbered, so that none is lost, or heard twice, when the run moves. */
export type Told = { number: number } & (
  | { what: "reset" }
  | { what: "stream" | "pause"; on: boolean }
  | { what: "control"; actuator: number; value: number }
);

export type FromWorker =
  /** `checkpoint`: of a Checkpoint that is kept up to date from now on. */
  | { type: "started"; run: number; checkpoint: SharedArrayBuffer }
  | { type: "handed over"; run: number; from: Saved }
  | { type: "refused"; run: number; message: string }
  | { type: "probed"; probe: number; result: ProbeResult }
  /** Frames one after another, each behind its length as 4 bytes, little endian. */
  | { type: "frames"; bytes: Uint8Array }
  | { type: "statuses"; statuses: RunStatus[] }
  | { type: "stats"; stats: RunnerStats };

/** How a scene behaves in its first simulated second. */
export type ProbeResult =
  | { ok: true; frameMs: number; warning?: string }
  | { ok: false; code: "scene_uncompilable" | "scene_unstable"; message: string };

export interface WorkerInput {
  wasm: WebAssembly.Module;
}

const LENGTH_BYTES = 4;

export function packFrames(frames: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(frames.reduce((sum, frame) => sum + LENGTH_BYTES + frame.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const frame of frames) {
    view.setUint32(at, frame.length, true);
    bytes.set(frame, at + LENGTH_BYTES);
    at += LENGTH_BYTES + frame.length;
  }
  return bytes;
}

/** Views into `bytes`, one a frame. */
export function* unpackFrames(bytes: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; ) {
    const length = view.getUint32(at, true);
    yield bytes.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + length);
    at += LENGTH_BYTES + length;
  }
}
