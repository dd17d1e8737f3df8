import { type Compiled, compileScene, initialControl } from "./compile.ts";
import { type MjData, type MjModel, type Mujoco, MujocoError } from "./mujoco.ts";
import type { Actuator, Scene } from "./scene.ts";

/** The scene ran into numbers the physics cannot go on from; `message` says which. */
export class UnstableError extends Error {
  override readonly name = "UnstableError";
  readonly code = "scene_unstable";
}

interface Wave {
  index: number;
  offset: number;
  low: number;
  high: number;
  spec: NonNullable<Actuator["wave"]>;
}

/** Where `save` puts what: the step, the epoch, the controls, which of them still wave, MuJoCo's own state, what is shown. */
export const SAVED = { step: 0, epoch: 1, controls: 2 } as const;

/**
 * One scene in one MuJoCo module. Its only clock is the number of steps taken, so the same scene with the same controls
 * at the same steps is the same bit for bit, wherever it runs.
 */
export class Simulation {
  readonly bodyIds: readonly number[];
  readonly sensorValues: number;
  readonly timestep: number;
  readonly #mujoco: Mujoco;
  readonly #model: MjModel;
  readonly #data: MjData;
  readonly #actuators: Actuator[];
  readonly #controls: Float64Array;
  readonly #signature: number;
  readonly #physicsValues: number;
  #physics: InstanceType<Mujoco["mj"]["DoubleBuffer"]> | undefined;
  #waves: Wave[] = [];
  #step = 0;
  #epoch = 0;

  /** Throws `MujocoError` when MuJoCo refuses the scene. */
  constructor(mujoco: Mujoco, scene: Scene, compiled: Compiled = compileScene(scene)) {
    this.#mujoco = mujoco;
    this.bodyIds = compiled.bodyIds;
    this.timestep = scene.timestep;
    this.#actuators = scene.actuators;
    this.#controls = new Float64Array(scene.actuators.length);
    const { mj } = mujoco;
    this.#signature = mj.mjtState.mjSTATE_INTEGRATION.value;
    this.#model = mujoco.guard(() => mj.MjModel.from_xml_string(compiled.mjcf));
    try {
      this.#data = mujoco.guard(() => new mj.MjData(this.#model));
    } catch (error) {
      this.#model.delete();
      throw error;
    }
    try {
      this.sensorValues = this.#data.sensordata.length;
      this.#physicsValues = mj.mj_stateSize(this.#model, this.#signature);
      this.reset();
      this.#epoch = 0;
    } catch (error) {
      this.delete();
      throw error;
    }
  }

  get step(): number {
    return this.#step;
  }

  /** Counts resets. */
  get epoch(): number {
    return this.#epoch;
  }

  get timeSeconds(): number {
    return this.#step * this.timestep;
  }

  /** The actuators' control values, in the scene's order. */
  get controls(): readonly number[] {
    return [...this.#controls];
  }

  /** Live views of MuJoCo's memory: valid until the next call into it. */
  get positions(): Float64Array {
    return this.#data.xpos;
  }

  get quaternions(): Float64Array {
    return this.#data.xquat;
  }

  get sensors(): Float64Array {
    return this.#data.sensordata;
  }

  /**
   * Takes `count` steps. Poses and sensors are then those at the last one's beginning: to bring them up to date would cost
   * as much again. Throws `UnstableError`, after which only `reset` and `delete` make sense.
   */
  advance(count: number): void {
    const { mj } = this.#mujoco;
    const model = this.#model;
    const data = this.#data;
    const before = data.time;
    try {
      this.#mujoco.guard(() => {
        if (this.#waves.length > 0) return this.#advanceWaves(count);
        for (let i = 0; i < count; i++) mj.mj_step(model, data);
        this.#step += count;
      });
    } catch (error) {
      throw new UnstableError(error instanceof MujocoError ? error.message : String(error), { cause: error });
    }
    // A state gone bad is not thrown: MuJoCo starts it again from nothing, which shows in its clock.
    if (data.time < before + (count - 0.5) * this.timestep) throw new UnstableError(this.#whatBroke());
  }

  /** Sets an actuator's control (its index in the scene), from now on; any wave on it ends until the next reset. */
  control(index: number, value: number): void {
    this.#controls[index] = value;
    this.#data.ctrl[index] = value;
    this.#waves = this.#waves.filter((wave) => wave.index !== index);
  }

  /** Back to the scene's initial pose, velocities and controls. */
  reset(): void {
    const { mj } = this.#mujoco;
    this.#mujoco.guard(() => {
      mj.mj_resetDataKeyframe(this.#model, this.#data, 0);
      this.#actuators.forEach((actuator, index) => {
        this.#controls[index] = initialControl(actuator);
        this.#data.ctrl[index] = initialControl(actuator);
      });
      mj.mj_forward(this.#model, this.#data);
    });
    this.#waves = this.#actuators.flatMap((actuator, index) =>
      actuator.wave
        ? [
            {
              index,
              offset: initialControl(actuator),
              low: actuator.range[0],
              high: actuator.range[1],
              spec: actuator.wave,
            },
          ]
        : [],
    );
    this.#step = 0;
    this.#epoch++;
  }

  /** How many numbers `save` fills. */
  get savedValues(): number {
    const shown = this.positions.length + this.quaternions.length + this.sensorValues;
    return SAVED.controls + 2 * this.#actuators.length + this.#physicsValues + shown;
  }

  /**
   * Everything that shows and that the next step depends on: another simulation of this scene that restores it looks the
   * same and goes on the same, bit for bit.
   */
  save(values: Float64Array = new Float64Array(this.savedValues)): Float64Array {
    const { mj } = this.#mujoco;
    this.#physics ??= new mj.DoubleBuffer(this.#physicsValues);
    mj.mj_getState(this.#model, this.#data, this.#physics, this.#signature);
    values[SAVED.step] = this.#step;
    values[SAVED.epoch] = this.#epoch;
    values.set(this.#controls, SAVED.controls);
    const waves = SAVED.controls + this.#actuators.length;
    values.fill(0, waves, waves + this.#actuators.length);
    for (const { index } of this.#waves) values[waves + index] = 1;
    let at = waves + this.#actuators.length;
    for (const part of [this.#physics.GetView(), this.positions, this.quaternions, this.sensors]) {
      values.set(part, at);
      at += part.length;
    }
    return values;
  }

  /** Takes over what `save` filled, of another simulation of this scene; what comes behind that is left alone. */
  restore(saved: Float64Array): void {
    const { mj } = this.#mujoco;
    const waves = SAVED.controls + this.#actuators.length;
    const physics = waves + this.#actuators.length;
    this.reset();
    this.#step = saved[SAVED.step] ?? 0;
    this.#epoch = saved[SAVED.epoch] ?? 0;
    this.#controls.set(saved.subarray(SAVED.controls, waves));
    this.#waves = this.#waves.filter(({ index }) => saved[waves + index] === 1);
    this.#mujoco.guard(() => {
      mj.mj_setState(
        this.#model,
        this.#data,
        Array.from(saved.subarray(physics, physics + this.#physicsValues)),
        this.#signature,
      );
    });
    // What is shown is that of the last step's beginning, and cannot be computed from the state at its end.
    let at = physics + this.#physicsValues;
    for (const part of [this.positions, this.quaternions, this.sensors]) {
      part.set(saved.subarray(at, at + part.length));
      at += part.length;
    }
  }

  /** What MuJoCo had to leave out for want of memory, if anything. */
  warning(): string | undefined {
    const { mjWARN_CONTACTFULL, mjWARN_CNSTRFULL } = this.#mujoco.mj.mjtWarning;
    const full = this.#warnings(mjWARN_CONTACTFULL.value) + this.#warnings(mjWARN_CNSTRFULL.value);
    return full > 0 ? "more contacts than fit its memory: some are left out" : undefined;
  }

  delete(): void {
    this.#physics?.delete();
    this.#data.delete();
    this.#model.delete();
  }

  #advanceWaves(count: number): void {
    const { mj } = this.#mujoco;
    const data = this.#data;
    for (let i = 0; i < count; i++) {
      const controls = data.ctrl;
      for (const { index, offset, low, high, spec } of this.#waves) {
        const value = offset + spec.amplitude * sineLike(spec.frequencyHz * this.timeSeconds + spec.phase);
        controls[index] = this.#controls[index] = Math.max(low, Math.min(high, value));
      }
      mj.mj_step(this.#model, data);
      this.#step++;
    }
  }

  #warnings(kind: number): number {
    // The entry is a copy on the WASM heap, which nobody else frees; `warning` itself must not be deleted.
    const entry = this.#data.warning.get(kind);
    try {
      return entry?.number ?? 0;
    } finally {
      entry?.delete();
    }
  }

  #whatBroke(): string {
    const { mjWARN_BADQPOS, mjWARN_BADQVEL, mjWARN_BADQACC } = this.#mujoco.mj.mjtWarning;
    const seconds = this.timeSeconds.toFixed(2);
    if (this.#warnings(mjWARN_BADQACC.value) > 0) return `accelerations grew without bound before ${seconds} s`;
    if (this.#warnings(mjWARN_BADQVEL.value) > 0) return `speeds grew without bound before ${seconds} s`;
    if (this.#warnings(mjWARN_BADQPOS.value) > 0) return `positions grew without bound before ${seconds} s`;
    return `the state was lost before ${seconds} s`;
  }
}

/**
 * A wave of period 1 and height 1 made of two parabolas. Not Math.sin: that differs in the last bit between JavaScript
 * engines, and a simulation must go on the same on another machine.
 */
export function sineLike(turns: number): number {
  const u = turns - Math.floor(turns);
  return u < 0.5 ? 16 * u * (0.5 - u) : -16 * (u - 0.5) * (1 - u);
}
