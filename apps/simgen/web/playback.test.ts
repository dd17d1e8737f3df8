import assert from "node:assert/strict";
import { test } from "node:test";
import type { Frame } from "../sim/frame.ts";
import { Playback } from "./playback.ts";

const TIMESTEP = 0.002;
const FRAME_MS = 1000 / 60;

/** A body that moves at 1 m/s along x. */
function frame(step: number, changes: Partial<Frame> = {}): Frame {
  return {
    run: 1,
    step,
    epoch: 0,
    speedPercent: 100,
    paused: false,
    keyframe: true,
    positions: new Float32Array([step * TIMESTEP, 0, 0]),
    quaternions: new Float32Array([1, 0, 0, 0]),
    sensors: undefined,
    ...changes,
  };
}

/** Deterministic noise in [0, 1). */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

interface Run {
  seconds: number;
  /** Lateness of frame i, ms. */
  lateness(index: number): number;
  /** Simulated seconds a second. */
  speed?: number;
}

/** Plays `seconds` of motion, sampled at 60 Hz; returns where the body was shown at each sample. */
function play(playback: Playback, { seconds, lateness, speed = 1 }: Run): { nowMs: number; x: number }[] {
  const arrivals = Array.from({ length: Math.round(seconds * 60) }, (_, index) => ({
    atMs: 5_000 + index * FRAME_MS + lateness(index),
    step: Math.round((index * FRAME_MS * speed) / (TIMESTEP * 1000)),
  })).sort((a, b) => a.atMs - b.atMs);
  const shown: { nowMs: number; x: number }[] = [];
  for (let nowMs = 5_000; nowMs < 5_000 + seconds * 1000; nowMs += FRAME_MS) {
    while (arrivals[0] && arrivals[0].atMs <= nowMs) {
      const { step, atMs } = arrivals.shift()!;
      playback.push(frame(step, { speedPercent: speed * 100 }), atMs);
    }
    playback.sample(nowMs);
    shown.push({ nowMs, x: playback.positions[0] ?? 0 });
  }
  return shown;
}

/** Largest departure of the shown speed from `speed`, after a second to settle. */
function unevenness(shown: { nowMs: number; x: number }[], speed: number): number {
  const settled = shown.filter(({ nowMs }) => nowMs > 6_500);
  return Math.max(
    ...settled.slice(1).map(({ nowMs, x }, index) => {
      const before = settled[index]!;
      return Math.abs((x - before.x) / ((nowMs - before.nowMs) / 1000) - speed);
    }),
  );
}

test("frames that come evenly are shown two frames behind (M3)", () => {
  const playback = new Playback(TIMESTEP);
  const shown = play(playback, { seconds: 3, lateness: () => 0 });
  assert.ok(unevenness(shown, 1) < 0.05, `uneven by ${unevenness(shown, 1)}`);
  assert.ok(playback.delayMs >= 30 && playback.delayMs < 45, `delay ${playback.delayMs}`);
});

test("motion stays even when frames come up to 60 ms late", () => {
  const random = noise(7);
  const playback = new Playback(TIMESTEP);
  let lastAt = 0;
  const lateness = (index: number) => {
    lastAt = Math.max(lastAt + 0.01, index * FRAME_MS + random() * 60);
    return lastAt - index * FRAME_MS;
  };
  const shown = play(playback, { seconds: 5, lateness });
  assert.ok(unevenness(shown, 1) < 0.25, `uneven by ${unevenness(shown, 1)}`);
  assert.ok(playback.delayMs > 60 && playback.delayMs <= 150, `delay ${playback.delayMs}`);
});

test("a simulation slower than real time plays evenly too", () => {
  const shown = play(new Playback(TIMESTEP), { seconds: 6, lateness: () => 0, speed: 0.43 });
  const settled = shown.filter(({ nowMs }) => nowMs > 8_000);
  assert.ok(unevenness(settled, 0.43) < 0.12, `uneven by ${unevenness(settled, 0.43)}`);
});

test("when latency rises for good, playing goes on evenly after a moment", () => {
  const shown = play(new Playback(TIMESTEP), { seconds: 6, lateness: (index) => (index > 120 ? 200 : 0) });
  const settled = shown.filter(({ nowMs }) => nowMs > 9_500);
  assert.ok(unevenness(settled, 1) < 0.2, `uneven by ${unevenness(settled, 1)}`);
});

test("a reset is shown at once and never interpolated across", () => {
  const playback = new Playback(TIMESTEP);
  for (let index = 0; index < 30; index++) playback.push(frame(index * 8), 1_000 + index * FRAME_MS);
  playback.sample(1_480);
  assert.ok(playback.positions[0]! > 0.3);
  playback.push(frame(0, { epoch: 1 }), 1_500);
  playback.push(frame(8, { epoch: 1 }), 1_517);
  playback.sample(1_518);
  assert.equal(playback.positions[0], 0);
});

test("a silent server leaves the last pose and is called stalled", () => {
  const playback = new Playback(TIMESTEP);
  assert.equal(playback.state(0), "empty");
  for (let index = 0; index < 30; index++) playback.push(frame(index * 8), 1_000 + index * FRAME_MS);
  assert.equal(playback.state(1_500), "playing");
  playback.sample(1_500);
  playback.sample(1_600);
  assert.ok(Math.abs(playback.positions[0]! - 29 * 8 * TIMESTEP) < 1e-6);
  assert.equal(playback.sample(2_600), false);
  assert.equal(playback.state(2_600), "stalled");
});

test("a pause is not a stall, and resuming goes on from there", () => {
  const playback = new Playback(TIMESTEP);
  for (let index = 0; index < 30; index++) playback.push(frame(index * 8), 1_000 + index * FRAME_MS);
  playback.push(frame(29 * 8, { paused: true }), 1_500);
  for (let nowMs = 1_500; nowMs < 4_000; nowMs += FRAME_MS) playback.sample(nowMs);
  assert.equal(playback.state(4_000), "paused");
  let x = playback.positions[0]!;
  for (let index = 0; index < 60; index++) {
    const nowMs = 4_000 + index * FRAME_MS;
    playback.push(frame((30 + index) * 8), nowMs);
    playback.sample(nowMs);
    assert.ok(playback.positions[0]! >= x && playback.positions[0]! - x < 0.04, "no jump");
    x = playback.positions[0]!;
  }
  assert.ok(x > 29 * 8 * TIMESTEP + 0.5);
});

test("a body that turns past half a turn is turned the short way", () => {
  const playback = new Playback(TIMESTEP);
  const half = Math.PI / 4;
  playback.push(frame(0, { quaternions: new Float32Array([Math.cos(half), 0, 0, Math.sin(half)]) }), 0);
  playback.push(frame(1000, { quaternions: new Float32Array([-Math.cos(half), 0, 0, -Math.sin(half)]) }), 1);
  playback.sample(500);
  assert.ok(Math.abs(Math.hypot(...playback.quaternions) - 1) < 1e-6);
  assert.ok(Math.abs(Math.abs(playback.quaternions[0]!) - Math.cos(half)) < 1e-6);
});
