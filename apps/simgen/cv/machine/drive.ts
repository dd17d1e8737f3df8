import { LIMITS, type SceneInput } from "../../sim/scene.ts";
import { GRAVITY, type JointInput } from "../../sim/templates/parts.ts";
import type { Arrow, Recognition } from "../recognition.ts";
import { type Assembly, type Group, massCenter } from "./assembly.ts";
import type { Built } from "./bodies.ts";
import type { Saying } from "./label.ts";
import { centerOf, type Measures, type Part } from "./part.ts";
import { distance, minus, type Spot, times } from "./plane.ts";
import type { Scale } from "./scale.ts";
import { membersOf } from "./settle.ts";
import { type Node, outboard, type Tree } from "./tree.ts";

type ActuatorInput = NonNullable<SceneInput["actuators"]>[number];

/** m/s, of an arrow as long as the drawing is wide, where that is 2 m; other sizes look as fast. */
const PUSH_SPEED = 10;
const PUSH_EXTENT = 2;
const PUSH_MAX = 200;
/** rad/s, of a crank; a wheel drives this share of the machine's size a second. */
const CRANK_SPEED = 3;
const WHEEL_SHARE = 0.4;
const SPIN_MIN = 1;
const SPIN_MAX = 12;
/** The slider goes so many times as fast. */
const RANGE = 3;
/** How much of all weight, at a crank's reach or a wheel's rim, a motor can hold. */
const STRENGTH = 0.8;

export interface Driven {
  actuators: ActuatorInput[];
  understood: string[];
  warnings: string[];
  /** What an arrow sets going. */
  moving: ReadonlySet<Group>;
}

interface Context {
  assembly: Assembly;
  tree: Tree;
  built: Built;
  scale: Scale;
  measures: Measures;
  said: readonly Saying[];
}

/** Arrows: pushes become speeds at the start, which are written into the joints; bent ones become motors. */
export function drive(recognition: Recognition, context: Context): Driven {
  const driven: Driven & { moving: Set<Group> } = { actuators: [], understood: [], warnings: [], moving: new Set() };
  for (const arrow of recognition.arrows) {
    const part = context.assembly.parts.find(({ id }) => id === arrow.target);
    const group = part && context.assembly.groupOf.get(part);
    if (!part || !group)
      driven.warnings.push(
        `${arrow.id}: ${arrow.target} does not move, so it is not ${arrow.does === "push" ? "pushed" : "turned"}`,
      );
    else if (arrow.does === "push") push(arrow, recognition, part, group, context, driven);
    else turn(arrow, part, group, context, driven);
  }
  return driven;
}

function push(
  arrow: Arrow,
  recognition: Recognition,
  part: Part,
  group: Group,
  context: Context,
  driven: Driven & { moving: Set<Group> },
): void {
  const { tree, scale, measures, said } = context;
  const [tail = [0, 0], head = [0, 0]] = [arrow.points[0], arrow.points.at(-1)].map(
    (point) => point && scale.spot(point),
  );
  const way = minus(head, tail);
  const length = Math.hypot(...way);
  if (length < measures.smallest) return;
  const pushes = recognition.arrows.filter(({ does }) => does === "push");
  const told = said.find(
    ({ kind, label }) => kind === "speed" && (label.target === part.id || label.target === null || pushes.length === 1),
  );
  const share = length / (scale.pixel * recognition.width);
  const usual = PUSH_SPEED * share * Math.sqrt(measures.extent / PUSH_EXTENT);
  const speed = Math.min(PUSH_MAX, told && "value" in told ? told.value : usual);
  const velocity = times(way, speed / length);
  const top = topOf(group, tree);
  const slides = context.built.slides.get(top.group);
  if (slides) {
    for (const [id, value] of [
      [slides.x, velocity[0]],
      [slides.z, velocity[1]],
    ] as const)
      setOff(context.built, id, value);
    driven.moving.add(top.group);
  } else {
    const node = tree.nodes.get(group);
    const id = node?.pin && context.built.hinges.get(node.pin);
    if (!node?.pin || !id) return;
    const onto = distance(centerOf(part), node.pin.at) > measures.bar ? centerOf(part) : tail;
    const [x, z] = minus(onto, node.pin.at);
    const square = x * x + z * z;
    const spin = (velocity[0] * z - velocity[1] * x) / Math.max(square, measures.bar ** 2);
    setOff(context.built, id, Math.min(100, Math.max(-100, spin)));
    driven.moving.add(group);
  }
  driven.understood.push(`push on ${part.id}, ${Number(speed.toPrecision(2))} m/s`);
}

function turn(arrow: Arrow, part: Part, group: Group, context: Context, driven: Driven & { moving: Set<Group> }): void {
  const { tree, built, measures, said } = context;
  const center = centerOf(part);
  const sense = senseOf(arrow, context.scale, tree.nodes.get(group)?.pin?.at ?? center);
  const told = said.find(({ kind, label }) => kind === "spin" && label.target === part.id);
  const turned = turnedBy(group, context);
  for (const node of turned) {
    const pin = node.pin;
    const joint = pin ? built.hinges.get(pin) : built.slides.get(node.group)?.turn;
    if (!joint || driven.actuators.some((each) => each.joint === joint) || driven.actuators.length >= LIMITS.actuators)
      continue;
    const wheel = node.group.parts.find(
      (each) => each.kind === "circle" && (!pin || distance(centerOf(each), pin.at) < 0.3 * each.radius),
    );
    const { mass, reach } = loadOf(node, wheel, context);
    const usual = wheel ? (WHEEL_SHARE * measures.extent) / wheel.radius : CRANK_SPEED;
    const speed = told && "value" in told ? Math.min(100, told.value) : Math.min(SPIN_MAX, Math.max(SPIN_MIN, usual));
    const torque = Math.min(1e6, Math.max(1e-3, (STRENGTH * mass * GRAVITY * reach) / turned.length));
    const number = driven.actuators.length + 1;
    driven.actuators.push({
      id: number === 1 ? "motor" : `motor-${number}`,
      label: `Motor${number === 1 ? "" : ` ${number}`} (rad/s, + is clockwise)`,
      type: "velocity",
      joint,
      range: [-RANGE * speed, RANGE * speed],
      gain: Math.min(1e6, Math.max(1e-4, (2 * torque) / speed)),
      maxForce: torque,
      initial: sense * speed,
    });
    driven.moving.add(node.group);
    driven.understood.push(`motor on ${node.group.id}, ${sense > 0 ? "clockwise" : "counterclockwise"}`);
  }
}

/** 1 for clockwise as seen, -1 for the other way. */
function senseOf({ points }: Arrow, { spot }: Scale, center: Spot): 1 | -1 {
  const path = points.map(spot);
  // An arc that its shape's middle lies outside of turns about its own.
  const middle = times(
    path.reduce(([x, z], [px, pz]) => [x + px, z + pz], [0, 0]),
    1 / path.length,
  );
  const turnAbout = ([cx, cz]: Spot) =>
    path.slice(1).reduce((sum, [x, z], at) => {
      const [px, pz] = path[at] ?? [x, z];
      return sum + (px - cx) * (z - cz) - (pz - cz) * (x - cx);
    }, 0);
  const about = turnAbout(center);
  const own = turnAbout(middle);
  return (Math.abs(about) > 0.2 * Math.abs(own) ? about : own) > 0 ? -1 : 1;
}

/** The joint that a motor sits in: the group's own, or those of its wheels where it is what they carry. */
function turnedBy(group: Group, { tree }: Context): Node[] {
  const node = tree.nodes.get(group);
  if (!node) return [];
  if (node.pin) return [node];
  const wheels = [...tree.nodes.values()].filter(
    ({ parent, pin, group: each }) =>
      parent === group &&
      each.parts.some((part) => part.kind === "circle" && pin && distance(centerOf(part), pin.at) < 0.3 * part.radius),
  );
  return wheels.length > 0 ? wheels : [node];
}

/** What a motor has to move, and how far off: all of a car at its wheel's rim, or what hangs on a crank. */
function loadOf(node: Node, wheel: Part | undefined, { tree, measures }: Context): { mass: number; reach: number } {
  const isFree = topOf(node.group, tree).pin === undefined;
  const parts = isFree ? membersOf(node.group.cluster) : outboard(node.group, tree).flatMap(({ parts: own }) => own);
  const { mass, at } = massCenter(parts, measures);
  if (wheel && isFree) return { mass, reach: wheel.radius };
  const pin = node.pin?.at ?? at;
  const size = Math.max(
    ...node.group.parts.flatMap(({ points, radius }) => points.map((point) => distance(point, pin) + radius)),
  );
  return {
    mass: Math.max(mass, massCenter(membersOf(node.group.cluster), measures).mass / 2),
    reach: Math.max(measures.bar, size),
  };
}

/** What carries a group in the end. */
function topOf(group: Group, { nodes }: Tree): Node {
  let node = nodes.get(group);
  for (let up = node?.parent && nodes.get(node.parent); up; up = up.parent && nodes.get(up.parent)) node = up;
  if (!node) throw new Error(`${group.id} has no place in the tree`);
  return node;
}

function setOff({ bodies }: Built, id: string, velocity: number): void {
  for (const { joints = [] } of bodies) {
    const joint: JointInput | undefined = joints.find((each) => each.id === id);
    if (joint) joint.velocity = velocity;
  }
}
