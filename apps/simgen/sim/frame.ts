/**
 * A frame is what a viewer needs of one moment of a simulation, in as few bytes as it takes; docs/PROTOCOL.md gives the
 * layout byte by byte. A keyframe holds every body. Any other frame holds the bodies that differ from the last keyframe,
 * never from the last frame: so a frame that got lost costs nothing, and a keyframe and any later frame of its number
 * together are the whole state.
 */
export interface Frame {
  /** Which start of which simulation: changes when the simulation is started anew. */
  run: number;
  /** Physics steps since the start or the last reset; simulated time is `step * scene.timestep`. */
  step: number;
  /** Counts resets, modulo 256: motion is not continuous across a change. */
  epoch: number;
  /** Simulated seconds a second, in percent: 100 is real time. */
  speedPercent: number;
  paused: boolean;
  keyframe: boolean;
  /** x, y, z of each body of the scene, m. */
  positions: Float32Array;
  /** w, x, y, z of each body. */
  quaternions: Float32Array;
  /** The scene's sensors in order (a bodyPosition or bodyVelocity has three numbers); absent when unchanged. */
  sensors: Float32Array | undefined;
}

/** Bytes that are no frame. */
export class FrameError extends Error {
  readonly code = "frame_malformed";
  override readonly name = "FrameError";
}

export const FRAME_VERSION = 1;
export const HEADER_BYTES = 20;
const POSE_BYTES = 12;
const KEYFRAME_EVERY = 60;
const SENSORS_EVERY = 6;
const FLAG = { keyframe: 1, paused: 2, sensors: 4 } as const;

const INT16_MAX = 32_767;
/** A body may move to twice its distance from the origin before its step must grow, which takes a keyframe. */
const HEADROOM = 2;
const EXTENT_MIN_METRES = 0.25;
/** 15 bits for each of a quaternion's three smallest parts, which lie within ±√½. */
const QUAT_MAX = 16_383;
const QUAT_SCALE = QUAT_MAX * Math.SQRT2;

/** What the encoder reads: `positions` and `quaternions` are MuJoCo's xpos and xquat, indexed by MuJoCo's body ids. */
export interface Moment {
  step: number;
  epoch: number;
  speedPercent: number;
  paused: boolean;
  positions: Float64Array;
  quaternions: Float64Array;
  sensors: Float64Array;
}

/** Encodes one run of one simulation, in order. */
export class FrameEncoder {
  readonly #run: number;
  readonly #bodyIds: readonly number[];
  readonly #exponents: Int8Array;
  readonly #key: Uint8Array;
  readonly #poses: Uint8Array;
  readonly #scratch: DataView;
  #sensors: Float32Array;
  #keyNumber: number;
  #frames = 0;
  #sinceKey = Number.POSITIVE_INFINITY;
  #epoch = -1;

  /**
   * `bodyIds[i]`: MuJoCo's id of the scene's body i (see compile.ts). `keyNumber`: of a run that goes on from another
   * encoder, one that its last keyframes did not have.
   */
  constructor(run: number, bodyIds: readonly number[], sensorValues: number, keyNumber = 0) {
    this.#keyNumber = keyNumber;
    this.#run = run;
    this.#bodyIds = bodyIds;
    this.#exponents = new Int8Array(bodyIds.length);
    this.#key = new Uint8Array(bodyIds.length * POSE_BYTES);
    this.#poses = new Uint8Array(bodyIds.length * POSE_BYTES);
    this.#scratch = new DataView(this.#poses.buffer);
    this.#sensors = new Float32Array(sensorValues).fill(Number.NaN);
  }

  /** The next frame will be a keyframe. */
  forceKeyframe(): void {
    this.#sinceKey = Number.POSITIVE_INFINITY;
  }

  encode(moment: Moment): Uint8Array<ArrayBuffer> {
    const count = this.#bodyIds.length;
    const keyframe = this.#sinceKey >= KEYFRAME_EVERY || moment.epoch !== this.#epoch || !this.#quantize(moment);
    if (keyframe) {
      this.#chooseExponents(moment);
      this.#quantize(moment);
      this.#key.set(this.#poses);
      this.#keyNumber = (this.#keyNumber + 1) & 0xffff;
      this.#sinceKey = 0;
      this.#epoch = moment.epoch;
    }
    this.#sinceKey++;
    const sensors = this.#sensorsDue(moment.sensors, keyframe);

    const bitmapBytes = keyframe ? count : Math.ceil(count / 8);
    const frame = new Uint8Array(HEADER_BYTES + bitmapBytes + count * POSE_BYTES + (sensors ? sensors.length * 4 : 0));
    let at = HEADER_BYTES + bitmapBytes;
    if (keyframe) {
      frame.set(this.#exponents, HEADER_BYTES);
      frame.set(this.#poses, at);
      at += this.#poses.length;
    } else {
      for (let body = 0; body < count; body++) {
        const start = body * POSE_BYTES;
        if (samePose(this.#poses, this.#key, start)) continue;
        frame[HEADER_BYTES + (body >> 3)]! |= 1 << (body & 7);
        for (let byte = 0; byte < POSE_BYTES; byte++) frame[at++] = this.#poses[start + byte]!;
      }
    }
    const view = new DataView(frame.buffer);
    for (const value of sensors ?? []) {
      view.setFloat32(at, value, true);
      at += 4;
    }

    view.setUint8(0, FRAME_VERSION);
    view.setUint8(1, (keyframe ? FLAG.keyframe : 0) | (moment.paused ? FLAG.paused : 0) | (sensors ? FLAG.sensors : 0));
    view.setUint16(2, this.#keyNumber, true);
    view.setUint32(4, this.#run, true);
    view.setFloat64(8, moment.step, true);
    view.setUint8(16, moment.epoch & 0xff);
    view.setUint8(17, Math.max(0, Math.min(255, Math.round(moment.speedPercent))));
    view.setUint8(18, count);
    view.setUint8(19, sensors ? sensors.length : 0);
    return frame.subarray(0, at);
  }

  #sensorsDue(values: Float64Array, keyframe: boolean): Float32Array | undefined {
    if (values.length === 0 || (!keyframe && this.#frames++ % SENSORS_EVERY !== 0)) return undefined;
    const rounded = Float32Array.from(values);
    if (!keyframe && rounded.every((value, index) => value === this.#sensors[index])) return undefined;
    this.#sensors = rounded;
    return rounded;
  }

  #chooseExponents({ positions }: Moment): void {
    this.#bodyIds.forEach((id, body) => {
      const extent = Math.max(
        EXTENT_MIN_METRES,
        Math.abs(positions[id * 3]!),
        Math.abs(positions[id * 3 + 1]!),
        Math.abs(positions[id * 3 + 2]!),
      );
      this.#exponents[body] = Math.min(100, Math.ceil(Math.log2((extent * HEADROOM) / INT16_MAX)));
    });
  }

  /** Writes every pose into #poses; false when one does not fit its exponent. */
  #quantize({ positions, quaternions }: Moment): boolean {
    const view = this.#scratch;
    for (let body = 0; body < this.#bodyIds.length; body++) {
      const id = this.#bodyIds[body]!;
      const at = body * POSE_BYTES;
      const scale = 2 ** -this.#exponents[body]!;
      for (let part = 0; part < 3; part++) {
        const value = Math.round(positions[id * 3 + part]! * scale);
        if (value > INT16_MAX || value < -INT16_MAX) return false;
        view.setInt16(at + part * 2, value, true);
      }
      packQuaternion(view, at + 6, quaternions, id * 4);
    }
    return true;
  }
}

/** Decodes the frames of one run, whichever of them arrive. */
export class FrameDecoder {
  #key:
    | { number: number; run: number; exponents: Int8Array; positions: Float32Array; quaternions: Float32Array }
    | undefined;

  /** The frame, or undefined when its keyframe has not come. Throws `FrameError` on anything that is not a frame. */
  decode(bytes: Uint8Array): Frame | undefined {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < HEADER_BYTES)
      throw new FrameError(`expected at least ${HEADER_BYTES} bytes, got ${bytes.length}`);
    if (bytes[0] !== FRAME_VERSION) throw new FrameError(`expected version ${FRAME_VERSION}, got ${bytes[0]}`);
    const flags = view.getUint8(1);
    const number = view.getUint16(2, true);
    const run = view.getUint32(4, true);
    const count = view.getUint8(18);
    const keyframe = (flags & FLAG.keyframe) !== 0;
    const sensorCount = (flags & FLAG.sensors) === 0 ? 0 : view.getUint8(19);
    const bitmapBytes = keyframe ? count : Math.ceil(count / 8);
    const poses = keyframe ? count : countBits(bytes, HEADER_BYTES, count);
    const expected = HEADER_BYTES + bitmapBytes + poses * POSE_BYTES + sensorCount * 4;
    if (bytes.length !== expected) throw new FrameError(`expected ${expected} bytes, got ${bytes.length}`);

    if (keyframe) {
      const exponents = Int8Array.from(bytes.subarray(HEADER_BYTES, HEADER_BYTES + count));
      this.#key = {
        number,
        run,
        exponents,
        positions: new Float32Array(count * 3),
        quaternions: new Float32Array(count * 4),
      };
    }
    const key = this.#key;
    if (key === undefined || key.number !== number || key.run !== run || key.exponents.length !== count)
      return undefined;

    const positions = keyframe ? key.positions : key.positions.slice();
    const quaternions = keyframe ? key.quaternions : key.quaternions.slice();
    let at = HEADER_BYTES + bitmapBytes;
    for (let body = 0; body < count; body++) {
      if (!keyframe && (bytes[HEADER_BYTES + (body >> 3)]! & (1 << (body & 7))) === 0) continue;
      const step = 2 ** key.exponents[body]!;
      for (let part = 0; part < 3; part++) positions[body * 3 + part] = view.getInt16(at + part * 2, true) * step;
      unpackQuaternion(view, at + 6, quaternions, body * 4);
      at += POSE_BYTES;
    }
    const sensors =
      sensorCount === 0
        ? undefined
        : Float32Array.from({ length: sensorCount }, (_, i) => view.getFloat32(at + i * 4, true));
    return {
      run,
      step: view.getFloat64(8, true),
      epoch: view.getUint8(16),
      speedPercent: view.getUint8(17),
      paused: (flags & FLAG.paused) !== 0,
      keyframe,
      positions,
      quaternions,
      sensors,
    };
  }
}

/** Whether encoded bytes are a keyframe. */
/** The run a frame belongs to, */
export function runOf(frame: Uint8Array): number {
  return new DataView(frame.buffer, frame.byteOffset, frame.byteLength).getUint32(4, true);
}

/** its step, */
export function stepOf(frame: Uint8Array): number {
  return new DataView(frame.buffer, frame.byteOffset, frame.byteLength).getFloat64(8, true);
}

/** and the resets before it, modulo 256. */
export function epochOf(frame: Uint8Array): number {
  return frame[16] ?? 0;
}

export function isKeyframe(bytes: Uint8Array): boolean {
  return ((bytes[1] ?? 0) & FLAG.keyframe) !== 0;
}

// --- bits ---

function samePose(a: Uint8Array, b: Uint8Array, start: number): boolean {
  for (let at = start; at < start + POSE_BYTES; at++) if (a[at] !== b[at]) return false;
  return true;
}

function countBits(bytes: Uint8Array, start: number, count: number): number {
  let set = 0;
  for (let bit = 0; bit < count; bit++) if (((bytes[start + (bit >> 3)] ?? 0) & (1 << (bit & 7))) !== 0) set++;
  return set;
}

/**
 * Smallest three in 48 bits: the largest part is left out, since the four squares add up to 1, and its sign made
 * positive, since q and -q are the same rotation. Its index takes the lowest bit of the first and second word.
 */
function packQuaternion(view: DataView, at: number, q: Float64Array, start: number): void {
  let largest = 0;
  for (let part = 1; part < 4; part++) if (Math.abs(q[start + part]!) > Math.abs(q[start + largest]!)) largest = part;
  const sign = q[start + largest]! < 0 ? -1 : 1;
  let word = 0;
  for (let part = 0; part < 4; part++) {
    if (part === largest) continue;
    const value = Math.max(-QUAT_MAX, Math.min(QUAT_MAX, Math.round(sign * q[start + part]! * QUAT_SCALE)));
    const bit = word === 0 ? largest & 1 : word === 1 ? largest >> 1 : 0;
    view.setInt16(at + word * 2, value * 2 + bit, true);
    word++;
  }
}

function unpackQuaternion(view: DataView, at: number, out: Float32Array, start: number): void {
  const words = [view.getInt16(at, true), view.getInt16(at + 2, true), view.getInt16(at + 4, true)] as const;
  const largest = (words[0] & 1) | ((words[1] & 1) << 1);
  let squares = 0;
  let word = 0;
  for (let part = 0; part < 4; part++) {
    if (part === largest) continue;
    const value = (words[word++]! >> 1) / QUAT_SCALE;
    out[start + part] = value;
    squares += value * value;
  }
  out[start + largest] = Math.sqrt(Math.max(0, 1 - squares));
}
