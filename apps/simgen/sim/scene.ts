import { z } from "zod";
import { formatIssue, type Issue, issuesOf } from "./issue.ts";

/**
 * A scene is plain data in SI units (metres, kilograms, seconds, radians): z is up, quaternions are [w, x, y, z].
 * It is validated here, compiled to MJCF in `compile.ts` and drawn by the page; nobody's raw XML is ever loaded.
 */
export const LIMITS = {
  bodies: 200,
  geoms: 400,
  geomsPerBody: 32,
  jointsPerBody: 6,
  actuators: 64,
  sensors: 64,
  constraints: 64,
  ropePoints: 32,
  labelChars: 40,
  /** MuJoCo WASM crashes on trees about 150 deep. */
  depth: 32,
} as const;

/** Thrown by `parseScene`; `issues` names every field that is wrong. */
export class SceneError extends Error {
  readonly code = "scene_invalid";
  readonly issues: Issue[];
  constructor(issues: Issue[]) {
    super(issues.map(formatIssue).join("; "));
    this.name = "SceneError";
    this.issues = issues;
  }
}

const between = (min: number, max: number) => z.number().min(min).max(max);
const metres = between(-1000, 1000);
const vec3 = z.tuple([metres, metres, metres]);
const axis = vec3.refine((v) => length(v) > 1e-6, "an axis that is not zero");
const quat = z
  .tuple([between(-1.01, 1.01), between(-1.01, 1.01), between(-1.01, 1.01), between(-1.01, 1.01)])
  .refine((q) => Math.abs(length(q) - 1) < 0.01, "a unit quaternion [w, x, y, z]");
const id = z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,47}$/, "a letter, then up to 47 letters, digits, - or _");
const range = z
  .tuple([between(-1e4, 1e4), between(-1e4, 1e4)])
  .refine(([lo, hi]) => lo < hi, "[low, high] with low < high");
const color = z.string().regex(/^#[0-9a-fA-F]{6}$/, "a colour like #3366ff");

const joint = z.strictObject({
  id,
  type: z.enum(["hinge", "slide", "ball", "free"]),
  /** Of a hinge or slide, in the body's frame. Default [0, 0, 1]. */
  axis: axis.exactOptional(),
  /** Where the joint sits in the body's frame, m. */
  pos: vec3.exactOptional(),
  /** rad (hinge), m (slide); a ball's is [0, largest angle]. */
  range: range.exactOptional(),
  /** Default: true when there is a range. */
  limited: z.boolean().exactOptional(),
  /** N·m·s/rad or N·s/m. */
  damping: between(0, 1e4).exactOptional(),
  /** N·m/rad or N/m, pulling towards `springRef`. */
  stiffness: between(0, 1e6).exactOptional(),
  springRef: between(-1e4, 1e4).exactOptional(),
  /** Dry friction, N·m or N. */
  frictionLoss: between(0, 1e4).exactOptional(),
  /** Rotor inertia, kg·m² or kg. */
  armature: between(0, 1e3).exactOptional(),
  /** Initial coordinate: rad (hinge), m (slide), a quaternion (ball). A free body starts at its `pos` and `quat`. */
  initial: z.union([between(-1e3, 1e3), quat]).exactOptional(),
  /** Initial velocity: one number (hinge, slide), 3 (ball), or 6: linear in the world, then angular in the body (free). */
  velocity: z.union([between(-1e3, 1e3), z.array(between(-1e3, 1e3)).min(3).max(6)]).exactOptional(),
});

const geom = z.strictObject({
  type: z.enum(["sphere", "box", "capsule", "cylinder", "ellipsoid", "plane"]),
  /**
   * m, as MuJoCo has it: sphere [radius]; box and ellipsoid half-sizes [x, y, z]; capsule and cylinder
   * [radius, half-length] along z, or [radius] beside `fromto`; plane half-sizes [x, y], for drawing only.
   */
  size: z.array(between(0.0005, 500)).min(1).max(3),
  /** End points of a capsule or cylinder, in the body's frame. */
  fromto: z.tuple([metres, metres, metres, metres, metres, metres]).exactOptional(),
  pos: vec3.exactOptional(),
  quat: quat.exactOptional(),
  /** kg. One of mass and density; default density 1000 kg/m³. */
  mass: between(1e-6, 1e6).exactOptional(),
  density: between(0.01, 30_000).exactOptional(),
  /** Sliding, or [sliding, torsional, rolling]. Default 1. A contact takes the larger of the two geoms'. */
  friction: z.union([between(0, 10), z.tuple([between(0, 10), between(0, 10), between(0, 10)])]).exactOptional(),
  /** Share of the impact speed that comes back, 0 to 1. Default: MuJoCo's soft contact, hardly any. */
  bounce: between(0, 1).exactOptional(),
  /** false: passes through everything. */
  collide: z.boolean().exactOptional(),
  color: color.exactOptional(),
  finish: z.enum(["matte", "metal", "rubber", "glass", "wood"]).exactOptional(),
});

const body = z.strictObject({
  id,
  /** Another body's id; without one the body hangs in the world. */
  parent: id.exactOptional(),
  pos: vec3,
  quat: quat.exactOptional(),
  /** None: fixed to its parent. */
  joints: z.array(joint).max(LIMITS.jointsPerBody).default([]),
  geoms: z.array(geom).max(LIMITS.geomsPerBody),
});

const actuator = z.strictObject({
  id,
  /** What the person at the slider reads. */
  label: z.string().min(1).max(LIMITS.labelChars).exactOptional(),
  /** Its control is a force or torque, a target position or a target velocity. */
  type: z.enum(["motor", "position", "velocity"]),
  joint: id,
  /** Of the control value. */
  range,
  /** motor: multiplies the control; position: N·m/rad or N/m; velocity: N·m·s/rad or N·s/m. */
  gain: between(0.0001, 1e6).exactOptional(),
  /** Of a position actuator, N·m·s/rad or N·s/m. */
  damping: between(0, 1e5).exactOptional(),
  /** N·m or N. */
  maxForce: between(0, 1e6).exactOptional(),
  /** Control value at the start. Default 0, moved into the range. */
  initial: between(-1e4, 1e4).exactOptional(),
  /** Drives the control by itself, about `initial`, until somebody takes the slider: a gait without a controller. */
  wave: z
    .strictObject({
      amplitude: between(0, 1e4),
      frequencyHz: between(0.01, 20),
      /** In turns, 0 to 1. */
      phase: between(0, 1).default(0),
    })
    .exactOptional(),
});

const sensor = z.strictObject({
  id,
  type: z.enum(["jointPosition", "jointVelocity", "bodyPosition", "bodyVelocity", "actuatorForce"]),
  /** The id of the joint (hinge or slide), body or actuator. */
  target: id,
});

const anchor = z.strictObject({ body: id.exactOptional(), pos: vec3 });
const constraint = z.discriminatedUnion("type", [
  /** Two bodies pinned together at a point of `body`, as by a ball joint. Without `other`: to the world. */
  z.strictObject({ id, type: z.literal("connect"), body: id, other: id.exactOptional(), anchor: vec3 }),
  z.strictObject({ id, type: z.literal("weld"), body: id, other: id.exactOptional() }),
  /** joint = ratio · other + offset. */
  z.strictObject({
    id,
    type: z.literal("gear"),
    joint: id,
    other: id,
    ratio: between(-1e3, 1e3),
    offset: between(-1e3, 1e3).default(0),
  }),
  /** A massless rope through points of bodies (or of the world, without `body`), no longer than `length` m. */
  z.strictObject({
    id,
    type: z.literal("rope"),
    points: z.array(anchor).min(2).max(LIMITS.ropePoints),
    length: between(0.001, 1000),
    color: color.exactOptional(),
  }),
  /** A spring between two points: rest length m, stiffness N/m, damping N·s/m. */
  z.strictObject({
    id,
    type: z.literal("spring"),
    points: z.array(anchor).length(2),
    length: between(0.001, 1000),
    stiffness: between(0, 1e6),
    damping: between(0, 1e4).default(0),
    color: color.exactOptional(),
  }),
]);

const camera = z.strictObject({
  target: vec3,
  distance: between(0.01, 2000),
  /** rad about z; 0 looks along +x. */
  azimuth: between(-7, 7).default(0),
  /** rad above the horizon. */
  elevation: between(-1.57, 1.57).default(0.35),
  /** The camera's target moves with this body. */
  follow: id.exactOptional(),
});

const shape = z.strictObject({
  name: z.string().min(1).max(80),
  /** m/s² */
  gravity: z.tuple([between(-500, 500), between(-500, 500), between(-500, 500)]).default([0, 0, -9.81]),
  /** s */
  timestep: between(0.0001, 0.02).default(0.002),
  integrator: z.enum(["euler", "implicitfast", "rk4"]).default("implicitfast"),
  bodies: z.array(body).min(1).max(LIMITS.bodies),
  actuators: z.array(actuator).max(LIMITS.actuators).default([]),
  sensors: z.array(sensor).max(LIMITS.sensors).default([]),
  constraints: z.array(constraint).max(LIMITS.constraints).default([]),
  camera: camera.exactOptional(),
});

export const sceneSchema = shape.superRefine((scene, context) => crossCheck(scene, context));

export type Scene = z.output<typeof sceneSchema>;
/** What a person or planner writes: fields with defaults may be missing. */
export type SceneInput = z.input<typeof sceneSchema>;
export type Body = Scene["bodies"][number];
export type Joint = Body["joints"][number];
export type Geom = Body["geoms"][number];
export type Actuator = Scene["actuators"][number];
export type Constraint = Scene["constraints"][number];
export type Vec3 = [number, number, number];
export type Quat = [number, number, number, number];

/** Validates anything into a scene. Throws `SceneError`. */
export function parseScene(input: unknown): Scene {
  const result = sceneSchema.safeParse(input);
  if (!result.success) throw new SceneError(issuesOf(result.error, input));
  return result.data;
}

/** Which index of `bodies` each id has; a scene's ids are unique. */
export function bodyIndex(scene: Scene): Map<string, number> {
  return new Map(scene.bodies.map((each, index) => [each.id, index]));
}

// --- cross-reference checks ---

type Path = (string | number)[];

function crossCheck(scene: z.output<typeof shape>, context: z.RefinementCtx): void {
  const fail = (path: Path, expected: string) => context.addIssue({ code: "custom", path, message: expected });
  const bodies = collect(scene.bodies, ["bodies"], "body", fail);
  const joints = new Map<string, Joint>();
  const moving = movingBodies(scene.bodies);
  let geoms = 0;

  scene.bodies.forEach((each, index) => {
    const at = ["bodies", index];
    geoms += each.geoms.length;
    if (each.parent !== undefined && !bodies.has(each.parent)) fail([...at, "parent"], "the id of another body");
    for (const [key, value] of collect(each.joints, [...at, "joints"], "joint", fail, joints)) joints.set(key, value);
    for (const [place, item] of each.joints.entries()) checkJoint(item, each, [...at, "joints", place], fail);
    for (const [place, item] of each.geoms.entries())
      checkGeom(item, moving.has(each.id), [...at, "geoms", place], fail);
    if (each.joints.length > 0 && each.geoms.length === 0)
      fail([...at, "geoms"], "at least one geom: a body that moves needs mass");
  });
  if (geoms > LIMITS.geoms) fail(["bodies"], `at most ${LIMITS.geoms} geoms in all, got ${geoms}`);
  checkDepth(scene.bodies, fail);

  const actuators = collect(scene.actuators, ["actuators"], "actuator", fail);
  scene.actuators.forEach((each, index) => {
    const driven = joints.get(each.joint);
    if (!driven) fail(["actuators", index, "joint"], "the id of a joint");
    else if (!isScalar(driven)) fail(["actuators", index, "joint"], "a hinge or slide joint");
    if (each.initial !== undefined && (each.initial < each.range[0] || each.initial > each.range[1]))
      fail(["actuators", index, "initial"], "a value inside the actuator's range");
  });

  collect(scene.sensors, ["sensors"], "sensor", fail);
  scene.sensors.forEach((each, index) => {
    const at = ["sensors", index, "target"];
    if (each.type.startsWith("joint")) {
      const target = joints.get(each.target);
      if (!target || !isScalar(target)) fail(at, "the id of a hinge or slide joint");
    } else if (each.type.startsWith("body")) {
      if (!bodies.has(each.target)) fail(at, "the id of a body");
    } else if (!actuators.has(each.target)) fail(at, "the id of an actuator");
  });

  collect(scene.constraints, ["constraints"], "constraint", fail);
  scene.constraints.forEach((each, index) => {
    const at = ["constraints", index];
    if (each.type === "gear") {
      for (const key of ["joint", "other"] as const) {
        const target = joints.get(each[key]);
        if (!target || !isScalar(target)) fail([...at, key], "the id of a hinge or slide joint");
      }
      if (each.joint === each.other) fail([...at, "other"], "another joint");
    } else if (each.type === "rope" || each.type === "spring") {
      each.points.forEach((point, place) => {
        if (point.body !== undefined && !bodies.has(point.body))
          fail([...at, "points", place, "body"], "the id of a body");
      });
    } else {
      if (!bodies.has(each.body)) fail([...at, "body"], "the id of a body");
      if (each.other !== undefined && !bodies.has(each.other)) fail([...at, "other"], "the id of a body");
      if (each.other === each.body) fail([...at, "other"], "another body");
    }
  });

  if (scene.camera?.follow !== undefined && !bodies.has(scene.camera.follow))
    fail(["camera", "follow"], "the id of a body");
}

type Fail = (path: Path, expected: string) => void;

function collect<T extends { id: string }>(
  items: T[],
  path: Path,
  kind: string,
  fail: Fail,
  known?: Map<string, T>,
): Map<string, T> {
  const found = new Map<string, T>();
  items.forEach((item, index) => {
    if (found.has(item.id) || known?.has(item.id)) fail([...path, index, "id"], `a ${kind} id that is not taken`);
    found.set(item.id, item);
  });
  return found;
}

function checkJoint(joint: Joint, body: Body, path: Path, fail: Fail): void {
  if (joint.type === "free") {
    if (body.parent !== undefined) fail([...path, "type"], "a free joint only on a body without a parent");
    if (body.joints.length > 1) fail([...path, "type"], "a free joint to be the body's only joint");
    if (joint.range || joint.limited) fail([...path, joint.range ? "range" : "limited"], "no limits on a free joint");
  }
  if (joint.limited && !joint.range) fail([...path, "range"], "a range, because the joint is limited");
  if (joint.type === "ball" && joint.range && joint.range[0] !== 0)
    fail([...path, "range"], "[0, largest angle] for a ball joint");
  if (joint.axis && !isScalar(joint)) fail([...path, "axis"], `no axis on a ${joint.type} joint`);

  if (joint.initial !== undefined) {
    if (joint.type === "free")
      fail([...path, "initial"], "no initial coordinate on a free joint: use the body's pos and quat");
    else if (isScalar(joint) !== (typeof joint.initial === "number"))
      fail([...path, "initial"], isScalar(joint) ? "one number" : "a quaternion [w, x, y, z]");
    else if (typeof joint.initial === "number" && joint.range && joint.limited !== false) {
      const [low, high] = joint.range;
      if (joint.initial < low || joint.initial > high) fail([...path, "initial"], "a value inside the joint's range");
    }
  }
  const count = { hinge: 0, slide: 0, ball: 3, free: 6 }[joint.type];
  if (joint.velocity !== undefined && (Array.isArray(joint.velocity) ? joint.velocity.length : 0) !== count)
    fail([...path, "velocity"], count === 0 ? "one number" : `${count} numbers`);
}

const SIZE_COUNT = { sphere: 1, box: 3, capsule: 2, cylinder: 2, ellipsoid: 3, plane: 2 } as const;

function checkGeom(geom: Geom, moves: boolean, path: Path, fail: Fail): void {
  const count = geom.fromto ? 1 : SIZE_COUNT[geom.type];
  if (geom.size.length !== count)
    fail([...path, "size"], `${count} number${count === 1 ? "" : "s"} for a ${geom.type}`);
  if (geom.fromto) {
    const [ax, ay, az, bx, by, bz] = geom.fromto;
    if (geom.type !== "capsule" && geom.type !== "cylinder")
      fail([...path, "fromto"], "fromto only on a capsule or cylinder");
    if (length([bx - ax, by - ay, bz - az]) < 1e-6) fail([...path, "fromto"], "two different points");
    if (geom.pos || geom.quat) fail([...path, geom.pos ? "pos" : "quat"], "either fromto or pos and quat");
  }
  if (geom.mass !== undefined && geom.density !== undefined) fail([...path, "density"], "either mass or density");
  if (geom.type === "plane" && moves) fail([...path, "type"], "a plane only on a body that does not move");
}

function checkDepth(bodies: Body[], fail: Fail): void {
  const parents = new Map(bodies.map((each) => [each.id, each.parent]));
  bodies.forEach((each, index) => {
    let depth = 1;
    for (let at = each.parent; at !== undefined && depth <= LIMITS.depth; at = parents.get(at)) depth++;
    if (depth > LIMITS.depth)
      fail(["bodies", index, "parent"], `a chain of parents without a loop, at most ${LIMITS.depth} deep`);
  });
}

/** The ids of the bodies that can move: those with a joint, and all that hang on them. */
export function movingBodies(bodies: Body[]): Set<string> {
  const parents = new Map(bodies.map((each) => [each.id, each]));
  const moves = (body: Body | undefined, depth: number): boolean =>
    body !== undefined &&
    depth <= LIMITS.depth &&
    (body.joints.length > 0 || (body.parent !== undefined && moves(parents.get(body.parent), depth + 1)));
  return new Set(bodies.filter((each) => moves(each, 0)).map((each) => each.id));
}

/** A hinge or slide: its coordinate is one number. */
export function isScalar(joint: Joint): boolean {
  return joint.type === "hinge" || joint.type === "slide";
}

function length(v: readonly number[]): number {
  return Math.hypot(...v);
}
