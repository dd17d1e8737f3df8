import { compileScene, initialControl } from "../compile.ts";
import type { MjData, MjModel, Mujoco } from "../mujoco.ts";
import type { Scene, Vec3 } from "../scene.ts";

/** For tests: one scene in MuJoCo with its insides open. */
export class Rig {
  readonly scene: Scene;
  readonly model: MjModel;
  readonly data: MjData;
  readonly #mujoco: Mujoco;
  readonly #bodyIds: Map<string, number>;

  constructor(mujoco: Mujoco, scene: Scene) {
    const { mj } = mujoco;
    const compiled = compileScene(scene);
    this.scene = scene;
    this.#mujoco = mujoco;
    this.#bodyIds = new Map(scene.bodies.map((body, index) => [body.id, compiled.bodyIds[index] ?? 0]));
    this.model = mujoco.guard(() => mj.MjModel.from_xml_string(compiled.mjcf));
    this.data = mujoco.guard(() => new mj.MjData(this.model));
    mj.mj_resetDataKeyframe(this.model, this.data, 0);
    scene.actuators.forEach((actuator, index) => {
      this.data.ctrl[index] = initialControl(actuator);
    });
    mj.mj_forward(this.model, this.data);
  }

  [Symbol.dispose](): void {
    this.data.delete();
    this.model.delete();
  }

  get time(): number {
    return this.data.time;
  }

  step(): void {
    this.scene.actuators.forEach((actuator, index) => {
      if (!actuator.wave) return;
      const { amplitude, frequencyHz, phase } = actuator.wave;
      const control = initialControl(actuator) + amplitude * wave(this.time * frequencyHz + phase);
      this.data.ctrl[index] = Math.min(actuator.range[1], Math.max(actuator.range[0], control));
    });
    this.#mujoco.mj.mj_step(this.model, this.data);
  }

  /** Steps for so many simulated seconds, calling `each` after every step. */
  run(seconds: number, each?: () => void): this {
    this.#mujoco.guard(() => {
      for (let left = Math.round(seconds / this.scene.timestep); left > 0; left--) {
        this.step();
        each?.();
      }
      this.#mujoco.mj.mj_kinematics(this.model, this.data);
    });
    return this;
  }

  /** Of the body's origin in the world, m. */
  position(body: string): Vec3 {
    const at = 3 * this.#bodyId(body);
    const { xpos } = this.data;
    return [xpos[at] ?? Number.NaN, xpos[at + 1] ?? Number.NaN, xpos[at + 2] ?? Number.NaN];
  }

  /** The way the body's own z axis points in the world. */
  up(body: string): Vec3 {
    const at = 9 * this.#bodyId(body);
    const { xmat } = this.data;
    return [xmat[at + 2] ?? Number.NaN, xmat[at + 5] ?? Number.NaN, xmat[at + 8] ?? Number.NaN];
  }

  /** A hinge's or slide's coordinate. */
  joint(id: string): number {
    return this.data.qpos[this.model.jnt_qposadr[this.#jointId(id)] ?? -1] ?? Number.NaN;
  }

  /** A hinge's or slide's speed; of a free joint, along one of its six degrees. */
  speed(id: string, degree = 0): number {
    return this.data.qvel[(this.model.jnt_dofadr[this.#jointId(id)] ?? Number.NaN) + degree] ?? Number.NaN;
  }

  /** Potential and kinetic, J. */
  energy(): number {
    const { mj } = this.#mujoco;
    mj.mj_forward(this.model, this.data);
    mj.mj_energyPos(this.model, this.data);
    mj.mj_energyVel(this.model, this.data);
    return (this.data.energy[0] ?? Number.NaN) + (this.data.energy[1] ?? Number.NaN);
  }

  /** How many of each of MuJoCo's warnings there were, in its order. */
  warnings(): number[] {
    const { warning } = this.data;
    return Array.from({ length: warning.size() }, (_, index) => warning.get(index)?.number ?? 0);
  }

  #bodyId(id: string): number {
    const found = this.#bodyIds.get(id);
    if (found === undefined) throw new Error(`no body ${id}`);
    return found;
  }

  #jointId(id: string): number {
    const { mj } = this.#mujoco;
    return mj.mj_name2id(this.model, mj.mjtObj.mjOBJ_JOINT.value, id);
  }
}

/** The gait's wave of period 1: two parabolas, near enough a sine. */
function wave(turns: number): number {
  const u = turns - Math.floor(turns);
  return u < 0.5 ? 16 * u * (0.5 - u) : -16 * (u - 0.5) * (1 - u);
}
