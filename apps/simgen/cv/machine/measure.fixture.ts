import assert from "node:assert/strict";
import { loadMujoco } from "../../sim/mujoco.ts";
import { Rig } from "../../sim/templates/rig.fixture.ts";
import { sceneOf } from "../machine.ts";
import type { Recognition } from "../recognition.ts";

// For tests: a sketch in MuJoCo, and what is measured there.

export const GRAVITY = 9.81;
export const mujoco = await loadMujoco();

export function rigged(sketch: Recognition): Rig {
  return new Rig(mujoco, sceneOf(sketch).scene);
}

/** rad, clockwise as seen, since the start. */
export function angleOf(rig: Rig, body: string): number {
  const [x, , z] = rig.up(body);
  return Math.atan2(x, z);
}

/** Where a joint on the world is. */
export function pivotOf(rig: Rig, joint: string): [x: number, z: number] {
  const body = rig.scene.bodies.find(({ joints }) => joints.some(({ id }) => id === joint))!;
  const pos = body.joints[0]?.pos ?? [0, 0, 0];
  return [body.pos[0] + pos[0], body.pos[2] + pos[2]];
}

export function distance(a: readonly number[], b: readonly number[]): number {
  return Math.hypot(...a.map((value, axis) => value - (b[axis] ?? Number.NaN)));
}

export function near(measured: number, expected: number, tolerance: number): void {
  assert.ok(
    Math.abs(measured / expected - 1) <= tolerance,
    `${measured}, expected ${expected} within ${100 * tolerance} %`,
  );
}

export function within(measured: number, limit: number): void {
  assert.ok(measured <= limit, `${measured}, allowed ${limit}`);
}
