import { bodyIndex, type Geom, LIMITS, parseScene, type Quat, type Scene, type Vec3 } from "../sim/scene.ts";

/** Corners of a box around everything that a scene draws, m; floors do not count. */
interface Bounds {
  low: Vec3;
  high: Vec3;
}

/** Between two machines, as a share of the wider one's depth, and at least, m. */
const GAP_SHARE = 0.25;
const GAP_MIN = 0.3;

/**
 * One scene out of several, side by side along y: machines move in planes of constant y, so they stay out of each
 * other's way. Ids get prefixes such as car-, car-2-; gravity is the first scene's. What would pass the limits of a scene is
 * left out: `used` tells how many scenes, from the first, are in.
 */
export function compose(name: string, scenes: readonly [Scene, ...Scene[]]): { scene: Scene; used: number } {
  for (let used = scenes.length; used > 1; used--) {
    const [first, ...rest] = scenes.slice(0, used);
    if (first && fits([first, ...rest])) return { scene: parseScene(sideBySide(name, [first, ...rest])), used };
  }
  return { scene: { ...scenes[0], name }, used: 1 };
}

function fits(scenes: Scene[]): boolean {
  const total = (count: (scene: Scene) => number) => scenes.reduce((sum, scene) => sum + count(scene), 0);
  return (
    total((scene) => scene.bodies.length) <= LIMITS.bodies &&
    total((scene) => scene.bodies.reduce((sum, body) => sum + body.geoms.length, 0)) <= LIMITS.geoms &&
    total((scene) => scene.actuators.length) <= LIMITS.actuators &&
    total((scene) => scene.sensors.length) <= LIMITS.sensors &&
    total((scene) => scene.constraints.length) <= LIMITS.constraints
  );
}

function sideBySide(name: string, scenes: [Scene, ...Scene[]]): Scene {
  const bounds = scenes.map(boundsOf);
  const depths = bounds.map(({ low, high }) => high[1] - low[1]);
  const gap = Math.max(GAP_MIN, GAP_SHARE * Math.max(...depths));
  const whole = depths.reduce((sum, depth) => sum + depth, 0) + gap * (scenes.length - 1);
  const owners = ownersOf(scenes);
  let edge = -whole / 2;
  const moved = scenes.map((scene, index) => {
    const { low, high } = bounds[index] as Bounds;
    const offset: Vec3 = [-(low[0] + high[0]) / 2, edge - low[1], 0];
    edge += (depths[index] ?? 0) + gap;
    return shifted(scene, owners[index] ?? "", offset, index > 0);
  });
  const wide = Math.max(...bounds.map(({ low, high }) => high[0] - low[0]));
  const high = Math.max(...bounds.map((each) => each.high[2]));
  return {
    name,
    gravity: scenes[0].gravity,
    timestep: Math.min(...scenes.map((scene) => scene.timestep)),
    integrator: scenes.every((scene) => scene.integrator === scenes[0].integrator)
      ? scenes[0].integrator
      : "implicitfast",
    bodies: moved.flatMap((scene) => scene.bodies),
    actuators: moved.flatMap((scene) => scene.actuators),
    sensors: moved.flatMap((scene) => scene.sensors),
    constraints: moved.flatMap((scene) => scene.constraints),
    camera: {
      target: [0, 0, 0.4 * high],
      distance: Math.min(1500, 1.4 * Math.hypot(wide, whole, high)),
      azimuth: 0.5,
      elevation: 0.3,
    },
  };
}

/** What each scene is called in ids: the first word of its name, numbered from the second of its kind on. */
function ownersOf(scenes: readonly Scene[]): string[] {
  const seen = new Map<string, number>();
  return scenes.map(({ name }) => {
    const word = /[a-z]{1,16}/.exec(name.toLowerCase())?.[0] ?? "machine";
    const number = (seen.get(word) ?? 0) + 1;
    seen.set(word, number);
    return number === 1 ? word : `${word}-${number}`;
  });
}

/** The scene elsewhere and under its owner's ids; a second floor in the same plane would double every contact. */
function shifted(scene: Scene, owner: string, offset: Vec3, floorless: boolean): Scene {
  const named = (id: string) => `${owner}-${id}`;
  const title = owner.charAt(0).toUpperCase() + owner.slice(1).replace("-", " ");
  const fromWorld = <P extends { body?: string; pos: Vec3 }>(point: P): P =>
    point.body === undefined ? { ...point, pos: add(point.pos, offset) } : { ...point, body: named(point.body) };
  return {
    ...scene,
    bodies: scene.bodies
      .map((body) => ({
        ...body,
        id: named(body.id),
        ...(body.parent === undefined ? { pos: add(body.pos, offset) } : { parent: named(body.parent) }),
        joints: body.joints.map((joint) => ({ ...joint, id: named(joint.id) })),
        geoms: floorless ? body.geoms.filter((geom) => geom.type !== "plane") : body.geoms,
      }))
      .filter((body, index) => body.geoms.length > 0 || scene.bodies[index]?.geoms.length === 0),
    actuators: scene.actuators.map((each) => ({
      ...each,
      id: named(each.id),
      joint: named(each.joint),
      ...(each.label === undefined ? {} : { label: `${title}: ${each.label}`.slice(0, LIMITS.labelChars) }),
    })),
    sensors: scene.sensors.map((each) => ({ ...each, id: named(each.id), target: named(each.target) })),
    constraints: scene.constraints.map((each) => {
      const id = named(each.id);
      switch (each.type) {
        case "rope":
        case "spring":
          return { ...each, id, points: each.points.map(fromWorld) };
        case "gear":
          return { ...each, id, joint: named(each.joint), other: named(each.other) };
        default:
          return {
            ...each,
            id,
            body: named(each.body),
            ...(each.other === undefined ? {} : { other: named(each.other) }),
          };
      }
    }),
  };
}

// --- where things are ---

/** Around each geom a ball at its body's starting place; a body that swings reaches no further than its own size in y. */
function boundsOf(scene: Scene): Bounds {
  const index = bodyIndex(scene);
  const frames: { pos: Vec3; quat: Quat }[] = [];
  const frameOf = (at: number): { pos: Vec3; quat: Quat } => {
    const known = frames[at];
    if (known) return known;
    const body = scene.bodies[at];
    const parent = body?.parent === undefined ? undefined : index.get(body.parent);
    const base = parent === undefined ? { pos: [0, 0, 0] as Vec3, quat: [1, 0, 0, 0] as Quat } : frameOf(parent);
    const frame = {
      pos: add(base.pos, rotate(base.quat, body?.pos ?? [0, 0, 0])),
      quat: multiply(base.quat, body?.quat ?? [1, 0, 0, 0]),
    };
    frames[at] = frame;
    return frame;
  };
  const low: Vec3 = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 0];
  const high: Vec3 = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  scene.bodies.forEach((body, at) => {
    const { pos, quat } = frameOf(at);
    for (const geom of body.geoms.filter((each) => each.type !== "plane"))
      for (const { centre, radius } of balls(geom)) {
        const place = add(pos, rotate(quat, centre));
        place.forEach((value, axis) => {
          low[axis] = Math.min(low[axis] ?? 0, value - radius);
          high[axis] = Math.max(high[axis] ?? 0, value + radius);
        });
      }
  });
  return Number.isFinite(low[0]) ? { low, high } : { low: [0, 0, 0], high: [0, 0, 0] };
}

function balls(geom: Geom): { centre: Vec3; radius: number }[] {
  const [a = 0, b = 0, c = 0] = geom.size;
  if (geom.fromto) {
    const [ax, ay, az, bx, by, bz] = geom.fromto;
    return [
      { centre: [ax, ay, az], radius: a },
      { centre: [bx, by, bz], radius: a },
    ];
  }
  const centre = geom.pos ?? [0, 0, 0];
  if (geom.type === "box" || geom.type === "ellipsoid") {
    // The corners, as points: a long thin board is no ball.
    const turned = geom.quat ?? ([1, 0, 0, 0] as Quat);
    return [1, -1].flatMap((x) =>
      [1, -1].flatMap((y) =>
        [1, -1].map((z) => ({ centre: add(centre, rotate(turned, [x * a, y * b, z * c])), radius: 0 })),
      ),
    );
  }
  return [{ centre, radius: geom.type === "sphere" ? a : Math.hypot(a, b) }];
}

function add(a: Vec3, b: Vec3): Vec3 {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
}

function multiply([aw, ax, ay, az]: Quat, [bw, bx, by, bz]: Quat): Quat {
  return [
    aw * bw - ax * bx - ay * by - az * bz,
    aw * bx + ax * bw + ay * bz - az * by,
    aw * by - ax * bz + ay * bw + az * bx,
    aw * bz + ax * by - ay * bx + az * bw,
  ];
}

function rotate(q: Quat, [x, y, z]: Vec3): Vec3 {
  const [, rx, ry, rz] = multiply(multiply(q, [0, x, y, z]), [q[0], -q[1], -q[2], -q[3]]);
  return [rx, ry, rz];
}
