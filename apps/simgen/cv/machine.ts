import { MATERIALS } from "../sim/material.ts";
import { parseScene, type Scene, type SceneInput } from "../sim/scene.ts";
import { GRAVITY, view, within } from "../sim/templates/parts.ts";
import { type Assembly, assemble, type Cluster } from "./machine/assembly.ts";
import { type Built, bodiesOf } from "./machine/bodies.ts";
import { cradleOf } from "./machine/cradle.ts";
import { drive } from "./machine/drive.ts";
import { layFloor } from "./machine/floor.ts";
import { type Saying, sayings } from "./machine/label.ts";
import { layersOf } from "./machine/layer.ts";
import { SLIPPERY } from "./machine/look.ts";
import { boundsOf, heedLabels, type Measures, measuresOf, type Part, partsOf } from "./machine/part.ts";
import { holdRamps } from "./machine/ramp.ts";
import { type Scale, scaleOf } from "./machine/scale.ts";
import { membersOf, type Rest, settle, toleranceOf } from "./machine/settle.ts";
import { heedAngles } from "./machine/slope.ts";
import { isStill } from "./machine/still.ts";
import { constraintsOf, straighten } from "./machine/ties.ts";
import { titleOf } from "./machine/title.ts";
import { type Tree, treeOf } from "./machine/tree.ts";
import { MachineError } from "./machine-error.ts";
import type { Recognition } from "./recognition.ts";

/** What came of a sketch. */
export interface Made {
  scene: Scene;
  /** Short lines for people: "2 circles, 1 box", "box-1: 2 kg", "motor on circle-1, clockwise". */
  understood: string[];
  /** What was ignored, moved apart, left out, and whether nothing moves. */
  warnings: string[];
}

const WARNINGS_MAX = 20;
const NAME_CHARS_MAX = 80;
/** s. Joints, springs and ropes want a finer one. */
const TIMESTEP = 0.002;
const TIMESTEP_JOINTED = 0.001;
/** How many joints and bodies the page shows numbers of. */
const SENSORS_MAX = 4;
/** Around what is drawn, as a share of it. */
const MARGIN = 0.08;

/**
 * A drawing as a scene: its plane is the vertical plane y = 0, x to the right, z up; nothing leaves that plane. Bodies have
 * the ids of their shapes, what is welded together that of its most solid one. The same recognition gives the same scene.
 * Throws `MachineError` when there is nothing that could be a machine.
 */
export function sceneOf(recognition: Recognition): Made {
  const understood: string[] = [];
  const warnings: string[] = [];
  const ledger = { understood, warnings };
  const said = sayings(recognition.labels);
  const scale = scaleOf(recognition, said, ledger);
  if (!scale) throw new MachineError("nothing in the sketch is a shape");
  const measures = measuresOf(scale.extent);
  const near = toleranceOf(scale.pixel, measures);
  const parts = partsOf(recognition, scale, measures);
  if (parts.every(({ kind }) => kind === "ground"))
    throw new MachineError("nothing in the sketch is a shape that could move");
  understood.unshift(...countsOf(recognition, parts));
  heedLabels(parts, said, ledger);
  for (const id of holdRamps(recognition, parts, near)) understood.push(`${id} stays in its place`);

  const whole = assemble(recognition, parts, scale, warnings);
  heedAngles(whole, said, near, ledger);
  straighten(whole, measures);
  const { floor, down } = layFloor(whole, near, measures);
  const assembly: Assembly = { ...whole, parts: parts.filter((part) => part !== floor) };
  const cradle = cradleOf(assembly, measures);
  const { rests, parted } = settle(assembly, near, measures);
  for (const id of parted) warnings.push(`${id} was drawn over something: moved out of it`);
  slip(rests, floor);

  const tree = treeOf(assembly, measures);
  const layers = layersOf(assembly, tree, measures);
  for (const [one, other] of layers.passing)
    warnings.push(`${one.id} and ${other.id} overlap, so they pass each other`);
  for (const { id, kind } of layers.sunk)
    if (kind !== "line") warnings.push(`${id} is partly in the ground, so it touches nothing`);
  const built = bodiesOf(assembly, floor, tree, layers, measures);
  const lowered: Scale = {
    ...scale,
    spot: (point) => {
      const [x, z] = scale.spot(point);
      return [x, z - down];
    },
  };
  const driven = drive(recognition, { assembly, tree, built, scale: lowered, measures, said });
  const constraints = constraintsOf(assembly, tree, near, measures, warnings);
  understood.push(...driven.understood);
  warnings.push(...driven.warnings);
  if (isStill(assembly, rests, driven.moving, measures))
    warnings.push("nothing here will move by itself: an arrow would push or turn it");

  const gravity = gravityOf(said, understood);
  const input: SceneInput = {
    name: titleOf(recognition, { assembly, tree, rests, said, measures }).slice(0, NAME_CHARS_MAX),
    gravity: [0, 0, -gravity],
    timestep: cradle?.timestep ?? (built.hinges.size + constraints.length > 0 ? TIMESTEP_JOINTED : TIMESTEP),
    bodies: cradle ? built.bodies.map((body) => ({ ...body, geoms: body.geoms.map(cradle.elastic) })) : built.bodies,
    actuators: driven.actuators,
    sensors: sensorsOf(assembly, tree, built),
    constraints,
    camera: cameraOf(parts, measures),
  };
  return { scene: parseScene(input), understood, warnings: bounded(warnings) };
}

/** "2 circles, 1 box", "1 hinge" */
function countsOf({ links }: Recognition, parts: readonly Part[]): string[] {
  const list = (kinds: readonly string[]) =>
    [...Map.groupBy(kinds, (kind) => kind)]
      .map(([kind, { length }]) => `${length} ${length === 1 ? kind : kind === "box" ? "boxes" : `${kind}s`}`)
      .join(", ");
  const joined = list(links.map(({ kind }) => kind));
  return [list(parts.map(({ kind }) => kind)), ...(joined === "" ? [] : [joined])];
}

/** What stands on ice slips on it, whatever it is made of. */
function slip(rests: ReadonlyMap<Cluster, Rest>, floor: Part | undefined): void {
  for (const [cluster, { on }] of rests)
    for (const each of on) {
      const under = each === "floor" ? floor : each;
      const friction = under?.material === undefined ? 1 : MATERIALS[under.material].friction;
      if (friction < SLIPPERY)
        for (const part of membersOf(cluster)) if (part.material === undefined) part.slides = friction;
    }
}

function gravityOf(said: readonly Saying[], understood: string[]): number {
  const told = said.find((each) => each.kind === "gravity");
  if (told?.kind !== "gravity") return GRAVITY;
  understood.push(told.value === 0 ? "no gravity" : `gravity of ${told.place} (${told.value} m/s²)`);
  return told.value;
}

/** How joints on the world turn, and where single things are. */
function sensorsOf({ groups }: Assembly, tree: Tree, built: Built): NonNullable<SceneInput["sensors"]> {
  const angles = [...tree.nodes.values()].flatMap(({ pin, parent }) => {
    const joint = pin && !parent ? built.hinges.get(pin) : undefined;
    return joint === undefined ? [] : [{ type: "jointPosition" as const, target: joint }];
  });
  const places = groups.flatMap((group) =>
    built.slides.has(group) ? [{ type: "bodyPosition" as const, target: group.id }] : [],
  );
  const named = (name: string, number: number) => (number === 0 ? name : `${name}-${number + 1}`);
  return [
    ...angles.slice(0, SENSORS_MAX).map((each, index) => ({ id: named("angle", index), ...each })),
    ...places
      .slice(0, Math.max(0, SENSORS_MAX - angles.length))
      .map((each, index) => ({ id: named("position", index), ...each })),
  ];
}

/** Straight at the plane, with all that is drawn and the floor in view. */
function cameraOf(parts: readonly Part[], { depth, extent }: Measures): NonNullable<SceneInput["camera"]> {
  const { low, high } = boundsOf(parts.filter(({ kind }) => kind !== "ground"));
  const margin = MARGIN * extent;
  return view(within([low[0] - margin, -depth, Math.min(0, low[1])], [high[0] + margin, depth, high[1] + margin]), {
    azimuth: Math.PI / 2,
    elevation: 0.06,
  });
}

function bounded(warnings: readonly string[]): string[] {
  const distinct = [...new Set(warnings)];
  if (distinct.length <= WARNINGS_MAX) return distinct;
  return [...distinct.slice(0, WARNINGS_MAX - 1), `and ${distinct.length - WARNINGS_MAX + 1} more`];
}
