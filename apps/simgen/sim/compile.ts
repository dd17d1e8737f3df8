import {
  type Actuator,
  type Body,
  type Constraint,
  type Geom,
  isScalar,
  type Joint,
  movingBodies,
  type Scene,
  type Vec3,
} from "./scene.ts";

/** A scene as MuJoCo loads it. The same scene always gives the same bytes. */
export interface Compiled {
  mjcf: string;
  /** `bodies[i]` of the scene is MuJoCo's body `bodyIds[i]`: MuJoCo numbers depth first, from 1. */
  bodyIds: number[];
}

const KIB = 1024;
const ARENA_BASE_BYTES = 256 * KIB;
/** A box in the middle of a dense pile touches its neighbours in 27 points; each takes about 6 KB. */
const ARENA_COLLIDER_BYTES = 192 * KIB;

/** Compiles a valid scene to MJCF. Ids are plain words (see scene.ts), so nothing needs escaping. */
export function compileScene(scene: Scene): Compiled {
  const ordered = depthFirst(scene.bodies);
  const numbers = new Map(ordered.map((body, index) => [body.id, index + 1]));
  const [gx, gy, gz] = scene.gravity;
  const integrator = { euler: "Euler", implicitfast: "implicitfast", rk4: "RK4" }[scene.integrator];
  const mjcf = [
    "<mujoco>",
    `<compiler angle="radian" autolimits="false"/>`,
    `<option timestep="${scene.timestep}" gravity="${gx} ${gy} ${gz}" integrator="${integrator}"/>`,
    `<size memory="${arenaBytes(scene)}"/>`,
    "<worldbody>",
    ...sites(scene, undefined),
    ...scene.bodies.filter((body) => body.parent === undefined).flatMap((body) => bodyLines(scene, body)),
    "</worldbody>",
    ...section(
      "tendon",
      scene.constraints.flatMap((each) => tendonLines(each, scene)),
    ),
    ...section("equality", scene.constraints.flatMap(equalityLines)),
    ...section("actuator", scene.actuators.map(actuatorLine)),
    ...section("sensor", scene.sensors.map(sensorLine)),
    `<keyframe><key name="start" qpos="${ordered.flatMap(positions).join(" ")}" qvel="${ordered.flatMap(velocities).join(" ")}"/></keyframe>`,
    "</mujoco>",
  ].join("\n");
  return { mjcf, bodyIds: scene.bodies.map((body) => numbers.get(body.id) ?? 0) };
}

/** The control an actuator starts with. */
export function initialControl(actuator: Actuator): number {
  const [low, high] = actuator.range;
  return actuator.initial ?? Math.min(high, Math.max(low, 0));
}

/** The memory a scene's contacts may take. MuJoCo's default is far too large for hundreds of models in one 2 GB heap. */
export function arenaBytes(scene: Scene): number {
  const moving = movingBodies(scene.bodies);
  const colliders = scene.bodies
    .filter((body) => moving.has(body.id))
    .reduce((sum, body) => sum + body.geoms.filter((geom) => geom.collide ?? true).length, 0);
  return ARENA_BASE_BYTES + colliders * ARENA_COLLIDER_BYTES;
}

function depthFirst(bodies: Body[]): Body[] {
  const children = Map.groupBy(bodies, (body) => body.parent);
  const visit = (body: Body): Body[] => [body, ...(children.get(body.id) ?? []).flatMap(visit)];
  return (children.get(undefined) ?? []).flatMap(visit);
}

function section(name: string, lines: string[]): string[] {
  return lines.length > 0 ? [`<${name}>`, ...lines, `</${name}>`] : [];
}

function bodyLines(scene: Scene, body: Body): string[] {
  return [
    `<body ${attributes({ name: body.id, pos: body.pos, quat: body.quat })}>`,
    ...body.joints.map(jointLine),
    ...body.geoms.map((geom) => geomLine(geom, scene.timestep)),
    ...sites(scene, body.id),
    ...scene.bodies.filter((each) => each.parent === body.id).flatMap((each) => bodyLines(scene, each)),
    "</body>",
  ];
}

function jointLine(joint: Joint): string {
  if (joint.type === "free") return `<freejoint name="${joint.id}"/>`;
  const limited = joint.limited ?? joint.range !== undefined;
  return `<joint ${attributes({
    name: joint.id,
    type: joint.type,
    axis: isScalar(joint) ? (joint.axis ?? [0, 0, 1]) : undefined,
    pos: joint.pos,
    limited: limited ? "true" : undefined,
    range: limited ? joint.range : undefined,
    damping: joint.damping,
    stiffness: joint.stiffness,
    springref: joint.springRef,
    frictionloss: joint.frictionLoss,
    armature: joint.armature,
  })}/>`;
}

function geomLine(geom: Geom, timestep: number): string {
  const collide = geom.collide ?? true;
  return `<geom ${attributes({
    type: geom.type,
    size: geom.type === "plane" ? [...geom.size, 1] : geom.size,
    fromto: geom.fromto,
    pos: geom.pos,
    quat: geom.quat,
    mass: geom.mass,
    density: geom.density,
    friction: collide ? friction(geom.friction) : undefined,
    condim: collide && Array.isArray(geom.friction) ? 6 : undefined,
    solref: geom.bounce === undefined ? undefined : bounceSolref(geom.bounce, timestep),
    contype: collide ? undefined : 0,
    conaffinity: collide ? undefined : 0,
  })}/>`;
}

/** Under it MuJoCo's friction pyramid is so flat that boxes with four contacts blow apart; nobody sees the difference to 0. */
const FRICTION_MIN = 0.005;

function friction(given: Geom["friction"]): Geom["friction"] {
  if (given === undefined) return undefined;
  if (typeof given === "number") return Math.max(FRICTION_MIN, given);
  return [Math.max(FRICTION_MIN, given[0]), given[1], given[2]];
}

/**
 * MuJoCo has no coefficient of restitution: a contact is a damped spring that can push but not pull. In its direct form,
 * solref = [-stiffness, -damping] per unit mass. The stiffness makes a contact last ten timesteps, enough to integrate it.
 */
function bounceSolref(bounce: number, timestep: number): [number, number] {
  const frequency = Math.PI / (10 * timestep);
  return [-(frequency * frequency), -(2 * dampingRatio(bounce) * frequency)];
}

/** Above it one timestep would more than stop a body; 7 % of its speed still comes back. */
const DAMPING_RATIO_MAX = 1.5;

/** The ζ with which a contact gives back this share of the speed, found by halving. */
function dampingRatio(bounce: number): number {
  let [low, high] = [0, DAMPING_RATIO_MAX];
  for (let round = 0; round < 24; round++) {
    const middle = (low + high) / 2;
    if (givenBack(middle) > bounce) low = middle;
    else high = middle;
  }
  // Rounded, because Math functions may differ in the last bit between JavaScript engines.
  return bounce === 1 ? 0 : Math.round(high * 1e4) / 1e4;
}

/** The contact ends when the force does, before the spring is at rest (Schwager and Pöschel, Granular Matter 9, 2007). */
function givenBack(ratio: number): number {
  if (ratio >= 0.999) {
    const root = Math.sqrt(Math.max(ratio * ratio - 1, 1e-6));
    return Math.exp((-ratio / root) * Math.log((ratio + root) / (ratio - root)));
  }
  const root = Math.sqrt(1 - ratio * ratio);
  return Math.exp((-ratio / root) * Math.atan2(2 * ratio * root, 2 * ratio * ratio - 1));
}

function sites(scene: Scene, body: string | undefined): string[] {
  return scene.constraints.flatMap((each) =>
    each.type === "rope" || each.type === "spring"
      ? each.points.flatMap((point, place) =>
          point.body === body ? [`<site ${attributes({ name: `${each.id}.${place}`, pos: point.pos })}/>`] : [],
        )
      : [],
  );
}

function tendonLines(each: Constraint, scene: Scene): string[] {
  if (each.type !== "rope" && each.type !== "spring") return [];
  const physics =
    each.type === "rope"
      ? { limited: "true", range: [0, each.length], solreflimit: [Math.max(0.004, 2 * scene.timestep), 1] }
      : { stiffness: each.stiffness, damping: each.damping, springlength: each.length };
  return [
    `<spatial ${attributes({ name: each.id, ...physics })}>`,
    ...each.points.map((_, place) => `<site site="${each.id}.${place}"/>`),
    "</spatial>",
  ];
}

function equalityLines(each: Constraint): string[] {
  switch (each.type) {
    case "connect":
      return [`<connect ${attributes({ name: each.id, body1: each.body, body2: each.other, anchor: each.anchor })}/>`];
    case "weld":
      return [`<weld ${attributes({ name: each.id, body1: each.body, body2: each.other })}/>`];
    case "gear":
      return [
        `<joint ${attributes({ name: each.id, joint1: each.joint, joint2: each.other, polycoef: [each.offset, each.ratio, 0, 0, 0] })}/>`,
      ];
    default:
      return [];
  }
}

function actuatorLine(each: Actuator): string {
  const gain = {
    motor: { gear: each.gain },
    position: { kp: each.gain, kv: each.damping },
    velocity: { kv: each.gain },
  }[each.type];
  const force =
    each.maxForce === undefined ? {} : { forcelimited: "true", forcerange: [-each.maxForce, each.maxForce] };
  return `<${each.type} ${attributes({ name: each.id, joint: each.joint, ctrllimited: "true", ctrlrange: each.range, ...gain, ...force })}/>`;
}

function sensorLine({ id, type, target }: Scene["sensors"][number]): string {
  switch (type) {
    case "jointPosition":
      return `<jointpos name="${id}" joint="${target}"/>`;
    case "jointVelocity":
      return `<jointvel name="${id}" joint="${target}"/>`;
    case "bodyPosition":
      return `<framepos name="${id}" objtype="body" objname="${target}"/>`;
    case "bodyVelocity":
      return `<framelinvel name="${id}" objtype="body" objname="${target}"/>`;
    case "actuatorForce":
      return `<actuatorfrc name="${id}" actuator="${target}"/>`;
  }
}

function positions(body: Body): number[] {
  return body.joints.flatMap((joint): number[] => {
    if (joint.type === "free") return [...body.pos, ...(body.quat ?? [1, 0, 0, 0])];
    if (joint.type === "ball") return Array.isArray(joint.initial) ? joint.initial : [1, 0, 0, 0];
    return [typeof joint.initial === "number" ? joint.initial : 0];
  });
}

function velocities(body: Body): number[] {
  return body.joints.flatMap((joint): number[] => {
    const still: number[] = joint.type === "free" ? [0, 0, 0, 0, 0, 0] : joint.type === "ball" ? [0, 0, 0] : [0];
    if (joint.velocity === undefined) return still;
    return Array.isArray(joint.velocity) ? joint.velocity : [joint.velocity];
  });
}

function attributes(values: Record<string, string | number | number[] | Vec3 | undefined>): string {
  return Object.entries(values)
    .filter((entry) => entry[1] !== undefined)
    .map(([name, value]) => `${name}="${Array.isArray(value) ? value.join(" ") : value}"`)
    .join(" ");
}
