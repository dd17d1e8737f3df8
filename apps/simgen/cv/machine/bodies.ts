import { LIMITS } from "../../sim/scene.ts";
import { type BodyInput, type Geom, GRAVITY, ground, type JointInput } from "../../sim/templates/parts.ts";
import { type Assembly, type Group, massCenter, type Pin } from "./assembly.ts";
import { geomsEach, geomsOf } from "./geoms.ts";
import type { Layers } from "./layer.ts";
import { looksOf } from "./look.ts";
import { centerOf, type Measures, type Part } from "./part.ts";
import { distance, type Spot } from "./plane.ts";
import { type Node, outboard, type Tree } from "./tree.ts";

/** Of a joint, as a share of what would keep a pendulum from swinging: it swings for a minute. */
const RUB = 0.004;

/** What a machine's bodies are built of. */
export interface Built {
  bodies: BodyInput[];
  /** The joint's id that a pin became. */
  hinges: ReadonlyMap<Pin, string>;
  /** Of the groups that are free in the plane: where it is, how it is turned. */
  slides: ReadonlyMap<Group, { x: string; z: string; turn: string }>;
}

/** The floor, all that is fixed, and each group as a body: free in the plane, or turning on another. */
export function bodiesOf(
  assembly: Assembly,
  floor: Part | undefined,
  tree: Tree,
  layers: Layers,
  measures: Measures,
): Built {
  const { parts, pins } = assembly;
  const look = looksOf(assembly);
  const most = geomsEach(parts);
  const geoms = (part: Part, origin: Spot): Geom[] => {
    const [center = origin] = part.points;
    const isDisc =
      part.kind === "circle" &&
      pins.some(({ parts: joined, at }) => joined.includes(part) && distance(at, center) < 0.9 * part.radius);
    return geomsOf(part, origin, assembly.groupOf.get(part), {
      layer: layers.of(part),
      look: look(part),
      measures,
      most,
      isDisc,
    });
  };
  const taken = new Set(parts.map(({ id }) => id));
  const floorId = floor?.id ?? fresh("ground", taken);
  taken.add(floorId);
  const friction = floor ? look(floor).friction : undefined;
  const plain = ground(typeof friction === "number" ? friction : undefined);
  const bodies: BodyInput[] = [
    {
      ...plain,
      id: floorId,
      geoms: plain.geoms.map((geom) =>
        floor?.material === undefined ? geom : { ...geom, color: look(floor).color ?? "#dfe3e8" },
      ),
    },
  ];
  for (const part of parts)
    if (part.fixed) add(bodies, taken, part.id, centerOf(part), (origin) => geoms(part, origin));

  const joints = new Set<string>();
  const hinges = new Map<Pin, string>();
  const slides = new Map<Group, { x: string; z: string; turn: string }>();
  for (const node of tree.nodes.values()) {
    const { group, parent, pin, origin } = node;
    const named = (name: string) => {
      const id = fresh(name, joints);
      joints.add(id);
      return id;
    };
    const base = parent && tree.nodes.get(parent);
    const from = base?.origin ?? [0, 0];
    let own: JointInput[];
    if (pin) {
      const id = named(pin.id);
      hinges.set(pin, id);
      own = [hinge(id, node, pin, tree, measures)];
    } else {
      const slide = { x: named(`${group.id}-x`), z: named(`${group.id}-z`), turn: named(`${group.id}-turn`) };
      slides.set(group, slide);
      own = [
        { id: slide.x, type: "slide", axis: [1, 0, 0] },
        { id: slide.z, type: "slide", axis: [0, 0, 1] },
        { id: slide.turn, type: "hinge", axis: [0, 1, 0] },
      ];
    }
    add(
      bodies,
      taken,
      group.id,
      [origin[0] - from[0], origin[1] - from[1]],
      () => group.parts.flatMap((part) => geoms(part, origin)),
      {
        joints: own,
        ...(parent ? { parent: parent.id } : {}),
      },
    );
  }
  return { bodies, hinges, slides };
}

/** A positive angle is clockwise, as seen. */
function hinge(id: string, { group, origin }: Node, { at }: Pin, tree: Tree, measures: Measures): JointInput {
  const hanging = outboard(group, tree);
  const { mass, at: center } = massCenter(
    hanging.flatMap(({ parts }) => parts),
    measures,
  );
  const reach = Math.max(measures.bar, distance(at, center), ...group.parts.map(({ radius }) => radius));
  const damping = RUB * mass * reach ** 1.5 * Math.sqrt(GRAVITY);
  return {
    id,
    type: "hinge",
    axis: [0, 1, 0],
    pos: [at[0] - origin[0], 0, at[1] - origin[1]],
    damping: Math.min(1e4, damping),
  };
}

/** A body; what it has more geoms than a body may have is on others that are fixed to it. */
function add(
  bodies: BodyInput[],
  taken: Set<string>,
  id: string,
  [x, z]: Spot,
  geomsAbout: (origin: Spot) => Geom[],
  more: Pick<BodyInput, "joints" | "parent"> = {},
): void {
  const geoms = geomsAbout([x, z]);
  bodies.push({ id, pos: [x, 0, z], geoms: geoms.slice(0, LIMITS.geomsPerBody), ...more });
  for (let from = LIMITS.geomsPerBody; from < geoms.length; from += LIMITS.geomsPerBody) {
    const rest = fresh(`${id}-more`, taken);
    taken.add(rest);
    bodies.push({ id: rest, parent: id, pos: [0, 0, 0], geoms: geoms.slice(from, from + LIMITS.geomsPerBody) });
  }
}

/** The name itself, or with a number that makes it one of its own. */
function fresh(name: string, taken: ReadonlySet<string>): string {
  for (let number = 1; ; number++) {
    const id = number === 1 ? name : `${name}-${number}`;
    if (!taken.has(id)) return id;
  }
}
