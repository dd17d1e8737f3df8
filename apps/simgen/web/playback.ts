import type { Frame } from "../sim/frame.ts";

/**
 * Turns frames that arrive unevenly into even motion. Each frame gets a time on the server's clock, made from its step
 * count; how far that clock is behind ours is the low percentile of the arrival lags, since a frame can be late but never
 * early. The playhead follows the clock at a small delay, by running up to 15 % faster or slower rather than jumping.
 */
export const PLAYBACK_DEFAULTS = {
  delayMinMs: 30,
  delayMaxMs: 150,
  /** Arrivals remembered to estimate clock and jitter. */
  windowMs: 2_000,
  /** Silence after which the picture is called stalled. */
  stallAfterMs: 400,
  framesMax: 64,
};
export type PlaybackOptions = typeof PLAYBACK_DEFAULTS;

const LOW_PERCENTILE = 0.1;
const HIGH_PERCENTILE = 0.95;
const SLEW_MAX = 0.15;
/** The time over which the playhead makes good an error. */
const SLEW_MS = 200;
const SNAP_MS = 300;
/** So many late frames in a row are a new latency, not jitter. */
const LATE_FRAMES_MAX = 5;
/** A server that reports this runs in real time, whatever jitter makes of the arrivals. */
const REAL_TIME_PERCENT = 96;
const RATE_WINDOW_MS = 1_000;

export type PlaybackState = "empty" | "playing" | "paused" | "stalled";

interface Moment {
  frame: Frame;
  /** ms on the server's clock. */
  at: number;
}

interface Arrival {
  /** ms on our clock. */
  arrivedMs: number;
  /** Our clock minus the server's. */
  lagMs: number;
  simulatedMs: number;
}

export class Playback {
  /** What to show, x, y, z of each body, after `sample`. */
  positions = new Float32Array(0);
  /** w, x, y, z of each body. */
  quaternions = new Float32Array(0);
  /** Interpolated physics steps. */
  step = 0;
  /** Delay behind the newest frame that is aimed at. */
  delayMs: number;

  readonly #timestepMs: number;
  readonly #options: PlaybackOptions;
  #moments: Moment[] = [];
  /** Since the last pause or break. */
  #arrivals: Arrival[] = [];
  /** From here on, arrivals show the present latency. */
  #anchorMs = 0;
  #baseMs = 0;
  #lateFrames = 0;
  #heardMs = 0;
  #playhead: number | undefined;
  #sampledMs = 0;

  /** `timestep` in seconds, as the scene has it. */
  constructor(timestep: number, options: Partial<PlaybackOptions> = {}) {
    this.#timestepMs = timestep * 1000;
    this.#options = { ...PLAYBACK_DEFAULTS, ...options };
    this.delayMs = this.#options.delayMinMs;
  }

  /** Takes a frame that arrived at `nowMs`. */
  push(frame: Frame, nowMs: number): void {
    this.#heardMs = nowMs;
    let last = this.#moments.at(-1);
    if (last && (frame.epoch !== last.frame.epoch || frame.run !== last.frame.run || frame.step < last.frame.step)) {
      this.#moments = [];
      this.#arrivals = [];
      this.#playhead = undefined;
      last = undefined;
    }
    if (last && frame.step === last.frame.step) {
      last.frame = frame;
      return;
    }
    if (last?.frame.paused) this.#arrivals = [];

    const simulatedMs = frame.step * this.#timestepMs;
    const at = last ? last.at + (simulatedMs - last.frame.step * this.#timestepMs) / this.#rate(frame) : simulatedMs;
    this.#moments.push({ frame, at });
    if (this.#moments.length > this.#options.framesMax) this.#moments.shift();
    this.#measure({ arrivedMs: nowMs, lagMs: nowMs - at, simulatedMs });
  }

  /** Moves the playhead to `nowMs`; true when the pose differs from the one before. */
  sample(nowMs: number): boolean {
    const newest = this.#moments.at(-1);
    if (!newest) return false;
    const target = nowMs - this.#baseMs - this.delayMs;
    const before = this.#playhead;
    if (before === undefined || Math.abs(target - before) > SNAP_MS) this.#playhead = target;
    else {
      const elapsed = Math.max(0, nowMs - this.#sampledMs);
      const slew = Math.max(-SLEW_MAX, Math.min(SLEW_MAX, (target - before - elapsed) / SLEW_MS));
      this.#playhead = before + elapsed * (1 + slew);
    }
    this.#playhead = Math.min(this.#playhead, newest.at);
    this.#sampledMs = nowMs;

    while (this.#moments.length > 1 && this.#moments[1]!.at <= this.#playhead) this.#moments.shift();
    const from = this.#moments[0]!;
    const to = this.#moments[1] ?? from;
    const share = to === from ? 0 : Math.max(0, (this.#playhead - from.at) / (to.at - from.at));
    return this.#blend(from.frame, to.frame, share);
  }

  state(nowMs: number): PlaybackState {
    const newest = this.#moments.at(-1);
    if (!newest) return "empty";
    if (newest.frame.paused) return "paused";
    return nowMs - this.#heardMs > this.#options.stallAfterMs ? "stalled" : "playing";
  }

  // --- clock ---

  /** Simulated seconds a second, as arrivals show it: 1 at real time. The reported figure lags behind by a second. */
  #rate({ speedPercent }: Frame): number {
    const last = this.#arrivals.at(-1);
    const first = last && this.#arrivals.find((each) => each.arrivedMs >= last.arrivedMs - RATE_WINDOW_MS);
    const spanMs = last && first ? last.arrivedMs - first.arrivedMs : 0;
    if (speedPercent >= REAL_TIME_PERCENT || !last || !first || spanMs < RATE_WINDOW_MS / 4) return 1;
    return Math.max(0.02, Math.min(1, (last.simulatedMs - first.simulatedMs) / spanMs));
  }

  #measure(arrival: Arrival): void {
    const { windowMs, delayMinMs, delayMaxMs } = this.#options;
    const late = this.#arrivals.length > 0 && arrival.lagMs > this.#baseMs + this.delayMs;
    this.#lateFrames = late ? this.#lateFrames + 1 : 0;
    if (this.#lateFrames >= LATE_FRAMES_MAX) {
      this.#anchorMs = arrival.arrivedMs;
      this.#lateFrames = 0;
    }
    this.#arrivals.push(arrival);
    while (this.#arrivals[0]!.arrivedMs < arrival.arrivedMs - windowMs) this.#arrivals.shift();

    const recent = this.#arrivals.filter((each) => each.arrivedMs >= this.#anchorMs);
    const lags = recent.map((each) => each.lagMs).sort((a, b) => a - b);
    this.#baseMs = percentile(lags, LOW_PERCENTILE);
    const jitterMs = percentile(lags, HIGH_PERCENTILE) - this.#baseMs;
    const spanMs = arrival.arrivedMs - recent[0]!.arrivedMs;
    const intervalMs = lags.length > 1 ? spanMs / (lags.length - 1) : 0;
    this.delayMs = Math.max(delayMinMs, Math.min(delayMaxMs, 2 * intervalMs + jitterMs));
  }

  // --- poses ---

  #blend(from: Frame, to: Frame, share: number): boolean {
    const count = from.positions.length;
    let changed = this.positions.length !== count;
    if (changed) {
      this.positions = new Float32Array(count);
      this.quaternions = new Float32Array(from.quaternions.length);
    }
    this.step = from.step + (to.step - from.step) * share;
    const { positions, quaternions } = this;
    for (let at = 0; at < count; at++) {
      const value = Math.fround(from.positions[at]! + (to.positions[at]! - from.positions[at]!) * share);
      if (value !== positions[at]) changed = true;
      positions[at] = value;
    }
    for (let at = 0; at < quaternions.length; at += 4) {
      if (nlerp(from.quaternions, to.quaternions, share, quaternions, at)) changed = true;
    }
    return changed;
  }
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** Normalised linear interpolation by the shorter way; within a frame's time it is as good as slerp. */
function nlerp(from: Float32Array, to: Float32Array, share: number, out: Float32Array, at: number): boolean {
  let dot = 0;
  for (let part = at; part < at + 4; part++) dot += from[part]! * to[part]!;
  const toShare = dot < 0 ? -share : share;
  let squares = 0;
  const mixed: [number, number, number, number] = [0, 0, 0, 0];
  for (let part = 0; part < 4; part++) {
    const value = from[at + part]! * (1 - share) + to[at + part]! * toShare;
    mixed[part as 0 | 1 | 2 | 3] = value;
    squares += value * value;
  }
  const scale = squares > 0 ? 1 / Math.sqrt(squares) : 1;
  let changed = false;
  for (let part = 0; part < 4; part++) {
    const value = Math.fround(mixed[part as 0 | 1 | 2 | 3] * scale);
    if (value !== out[at + part]) changed = true;
    out[at + part] = value;
  }
  return changed;
}
