import { type Assembly, type Cluster, type Group, massCenter, move } from "./assembly.ts";
import { boxOf, type Gap, gapBetween, hullOf, type Piece, piecesOf } from "./contact.ts";
import { boundsOf, type Measures, moved, type Part, rigidly } from "./part.ts";
import { add, cross, dot, minus, outward, type Spot, times, turned, unit, wrapped } from "./plane.ts";
import { isOn } from "./ramp.ts";

/** How near things must be drawn to touch: in pixels and as shares of the machine and of the thing's own size. */
const NEAR_PIXELS = 6;
const NEAR_MIN = 0.015;
const NEAR_MAX = 0.04;
const NEAR_OWN = 0.5;
/**
 * What overlaps deeper than this share of the thinner of two things is meant to lie in front of the other; lines are thin, and
 * count for nothing beside what is none.
 */
const DEEP = 0.3;
/** rad; what is drawn at a smaller angle to what it stands on is meant to stand flush. */
const FLUSH = (12 * Math.PI) / 180;
/** How much of a support's direction must be up for it to carry, and sideways for it to push aside. */
const CARRIES = 0.35;
const ASIDE = 0.8;
/** How often a turn that lets a thing touch at both ends is put right. */
const TURNS_MAX = 12;
const FLUSH_TRIES = 6;
const ROUNDS = 6;
/** A rope this steep carries what hangs on it. */
const PLUMB = 0.85;

/** What one cluster came to stand on. */
export interface Rest {
  on: readonly (Part | "floor")[];
  /** At both sides of its middle of mass. */
  steady: boolean;
  /** Of what it stands on: straight up on level ground. */
  normal: Spot;
}

export interface Settled {
  rests: ReadonlyMap<Cluster, Rest>;
  /** Had to be moved farther than a hand errs. */
  parted: readonly string[];
}

interface Solid extends Piece {
  owner: Part | "floor";
  low: Spot;
  high: Spot;
}

interface Touch extends Gap {
  solid: Solid;
}

/** How near is near enough to touch. */
export function toleranceOf(pixel: number, { extent }: Measures): number {
  return Math.min(NEAR_MAX * extent, Math.max(NEAR_MIN * extent, NEAR_PIXELS * pixel));
}

/**
 * Puts what nearly touches in contact, from the bottom up: each thing comes down on what carries it, turns until it
 * stands flush or on both its ends, and is moved out of what it overlaps. What hangs stays where it is.
 */
export function settle(assembly: Assembly, near: number, measures: Measures): Settled {
  const { parts, clusters, pins } = assembly;
  const floor: Solid = solid(
    {
      points: [
        [-50, -50],
        [50, -50],
        [50, 0],
        [-50, 0],
      ].map(([x = 0, z = 0]) => times([x, z], measures.extent)),
      radius: 0,
    },
    "floor",
  );
  const held = new Set(pins.flatMap((pin) => pin.parts));
  const solids = [floor];
  for (const part of parts.filter((each) => each.fixed).toSorted(lowestFirst)) {
    if (!held.has(part) && (part.kind === "box" || part.kind === "polygon")) {
      const settler = new Settler([part], [floor], near, measures);
      settler.settle(false);
      const riders = clusters.filter(
        (each) => !each.anchored && membersOf(each).some((member) => isOn(member, part, near)),
      );
      moved(part, settler.place);
      for (const rider of riders) move(rider, assembly, settler.place);
    }
    solids.push(...solidsOf([part]));
  }
  const free: Cluster[] = [];
  for (const cluster of clusters) {
    if (!cluster.anchored) free.push(cluster);
    else for (const group of cluster.groups) settleAnchored(group, assembly, [...solids], near, measures);
  }
  for (const cluster of clusters) if (cluster.anchored) solids.push(...solidsOf(membersOf(cluster)));
  const rests = new Map<Cluster, Rest>();
  const parted: string[] = [];
  const lowest = new Map(free.map((cluster) => [cluster, boundsOf(membersOf(cluster)).low[1]]));
  for (const cluster of free.toSorted((a, b) => (lowest.get(a) ?? 0) - (lowest.get(b) ?? 0))) {
    const settler = new Settler(membersOf(cluster), solids, near, measures);
    const rest = settler.settle(hangs(cluster, assembly, PLUMB));
    move(cluster, assembly, settler.place);
    if (rest) rests.set(cluster, rest);
    if (settler.wasDeep) parted.push(cluster.groups[0]?.id ?? "");
    solids.push(...solidsOf(membersOf(cluster)));
  }
  return { rests, parted };
}

/** What a linkage drives over the floor is set on it; what turns about a joint only leaves it. */
function settleAnchored(
  group: Group,
  assembly: Assembly,
  solids: readonly Solid[],
  near: number,
  measures: Measures,
): void {
  const own = assembly.pins.filter((pin) => pin.group === group || pin.other === group);
  const joined = new Set<Part | "floor">(own.flatMap(({ parts }) => parts));
  if (own.every(({ other }) => other !== undefined)) {
    if (group.parts.every(({ kind }) => kind === "line")) return;
    const settler = new Settler(
      group.parts,
      solids.filter(({ owner }) => !joined.has(owner)),
      near,
      measures,
    );
    settler.settle(false);
    move({ groups: [group] }, assembly, settler.place);
    return;
  }
  const depth = -boundsOf(group.parts.filter(({ kind }) => kind !== "line")).low[1];
  if (depth > 0 && depth < near) move({ groups: [group] }, assembly, ([x, z]) => [x, z + depth]);
}

export function membersOf({ groups }: Cluster): Part[] {
  return groups.flatMap(({ parts }) => parts);
}

/** Whether a rope or spring holds it that goes up at least so steeply: how much of its direction is up. */
export function hangs(cluster: Cluster, { ties }: Assembly, steep: number): boolean {
  return ties.some(({ from, to, path }) => {
    const [first, last] = [path[0], path.at(-1)];
    if (!first || !last) return false;
    const ahead = minus(path[1] ?? last, first);
    const back = minus(path.at(-2) ?? first, last);
    return [
      { group: from, way: ahead },
      { group: to, way: back },
    ].some(({ group, way }) => group?.cluster === cluster && unit(way)[1] > steep);
  });
}

/** One rigid thing among others. Where it has come is a turn about its middle of mass and a shift. */
class Settler {
  readonly #pieces: readonly Piece[];
  readonly #around: readonly Solid[];
  readonly #center: Spot;
  readonly #near: number;
  readonly #exact: number;
  #angle = 0;
  #shift: Spot = [0, 0];
  wasDeep = false;

  constructor(parts: readonly Part[], solids: readonly Solid[], near: number, measures: Measures) {
    const { low, high } = boundsOf(parts);
    this.#near = Math.max(near / 3, Math.min(near, NEAR_OWN * Math.max(high[0] - low[0], high[1] - low[1])));
    this.#exact = 1e-7 * measures.extent;
    this.#center = massCenter(parts, measures).at;
    this.#pieces = parts.map(hullOf);
    const reach = this.#near + Math.sin(FLUSH) * (high[0] - low[0] + high[1] - low[1]);
    this.#around = solids.filter(
      (each) =>
        each.low[0] < high[0] + reach &&
        each.high[0] > low[0] - reach &&
        each.low[1] < high[1] + reach &&
        each.high[1] > low[1] - reach &&
        !this.#isDeepIn(each),
    );
  }

  get place(): (spot: Spot) => Spot {
    return rigidly(this.#angle, this.#center, this.#shift);
  }

  settle(hanging: boolean): Rest | undefined {
    if (this.#around.length === 0) return undefined;
    const rest = this.#comeDown(hanging);
    // Turned, it may reach what it stands beside.
    if (rest && this.#moveAside()) this.#land();
    return rest;
  }

  #comeDown(hanging: boolean): Rest | undefined {
    const before = this.#touches();
    this.wasDeep = before.some(({ gap }) => gap < -this.#near);
    this.#moveAside();
    const lands = before.some(({ gap, normal }) => normal[1] > CARRIES && gap < (hanging ? 0 : this.#near));
    if (!lands) return undefined;
    const start = { angle: this.#angle, shift: this.#shift };
    const first = this.#land();
    if (!first) return undefined;
    if (Math.abs(this.#shift[1] - start.shift[1]) > 3 * this.#near && !this.wasDeep) {
      this.#shift = start.shift;
      return undefined;
    }
    return this.#standUp(first) ?? { on: [first.solid.owner], steady: false, normal: first.normal };
  }

  /** Comes down, or up, until it touches what carries it; that touch. */
  #land(): Touch | undefined {
    let touch: Touch | undefined;
    for (let round = 0; round < ROUNDS; round++) {
      touch = undefined;
      let least = Number.POSITIVE_INFINITY;
      for (const each of this.#touches()) {
        if (each.normal[1] <= CARRIES) continue;
        const way = each.gap / each.normal[1];
        if (way < least) [least, touch] = [way, each];
      }
      if (!touch) return undefined;
      this.#shift = add(this.#shift, [0, -least]);
      if (Math.abs(least) < this.#exact) break;
    }
    return touch;
  }

  /** Turns towards the side that is in the air until it touches on both sides of the middle; how it then stands. */
  #standUp(first: Touch): Rest | undefined {
    const [angle, shift] = [this.#angle, this.#shift];
    const side = this.#sideOf(first);
    const sense = Math.sign(side);
    const landed = (turn: number): Touch | undefined => {
      [this.#angle, this.#shift] = [angle + turn, shift];
      return this.#land();
    };
    if (sense === 0) return { on: [first.solid.owner], steady: true, normal: first.normal };
    const crosses = (touch: Touch | undefined) =>
      touch !== undefined && Math.sign(this.#sideOf(touch)) !== Math.sign(side);
    for (const flush of this.#flushTurns(first, sense)) {
      if (crosses(landed(sense * (flush + 1e-4))) && !crosses(landed(sense * Math.max(0, flush - 1e-4)))) {
        const touch = landed(sense * flush);
        return touch && { on: [touch.solid.owner], steady: true, normal: touch.normal };
      }
    }
    const turn = this.#turnToBoth(sense);
    [this.#angle, this.#shift] = [angle, shift];
    const second = turn === undefined ? undefined : landed(sense * turn);
    if (!second) return undefined;
    const owners = new Set([first.solid.owner, second.solid.owner]);
    return { on: [...owners], steady: true, normal: second.normal };
  }

  /** By regula falsi: how far to turn until it is as high above what carries it on its left as on its right. */
  #turnToBoth(sense: number): number | undefined {
    const angle = this.#angle;
    const difference = (turn: number) => {
      this.#angle = angle + sense * turn;
      let [left, right] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
      for (const touch of this.#touches()) {
        if (touch.normal[1] <= CARRIES) continue;
        const height = touch.gap / touch.normal[1];
        if (this.#sideOf(touch) < 0) left = Math.min(left, height);
        else right = Math.min(right, height);
      }
      return sense * (left - right);
    };
    let [low, high] = [0, FLUSH];
    let [above, below] = [difference(low), difference(high)];
    if (!(above > 0 && below < 0) || above - below === Number.POSITIVE_INFINITY) return undefined;
    for (let round = 0; round < TURNS_MAX && high - low > 1e-9; round++) {
      const turn = low + ((high - low) * above) / (above - below);
      const at = difference(turn);
      if (Math.abs(at) < this.#exact) return turn;
      if (at > 0) {
        [low, above] = [turn, at];
        below /= 2;
      } else {
        [high, below] = [turn, at];
        above /= 2;
      }
    }
    return low;
  }

  /** How far to the right of the middle of mass it touches, seen along the way it presses; a hair is nothing. */
  #sideOf({ at, normal }: Touch): number {
    const side = cross(normal, minus(at, add(this.#center, this.#shift)));
    return Math.abs(side) < 10 * this.#exact ? 0 : -side;
  }

  /** The turns that bring an edge of its own onto one of what it touches, the smallest first. */
  #flushTurns({ normal, solid }: Touch, sense: number): number[] {
    const faces = facing(solid.points, normal);
    const own = this.#pieces.flatMap(({ points }) => facing(points, times(turned(normal, -this.#angle), -1)));
    const turns = faces.flatMap((face) => own.map((edge) => sense * wrapped(face - edge - this.#angle - Math.PI)));
    const few = turns.filter((turn) => turn > -1e-6 && turn < FLUSH).map((turn) => Math.max(0, turn));
    return few.sort((a, b) => a - b).slice(0, FLUSH_TRIES);
  }

  /** Out of what it overlaps sideways. */
  #moveAside(): boolean {
    for (let round = 0; ; round++) {
      let worst: Touch | undefined;
      for (const touch of this.#touches())
        if (touch.gap < -this.#exact && Math.abs(touch.normal[0]) > ASIDE && touch.gap < (worst?.gap ?? 0))
          worst = touch;
      if (!worst || round === ROUNDS) return round > 0;
      this.#shift = add(this.#shift, [-worst.gap / worst.normal[0], 0]);
    }
  }

  #touches(): Touch[] {
    const place = this.place;
    const touches: Touch[] = [];
    for (const { points, radius } of this.#pieces) {
      const piece = { points: points.map(place), radius };
      const { low, high } = boxOf(piece);
      const reach = 2 * this.#near;
      for (const solid of this.#around) {
        if (solid.low[0] > high[0] + reach || solid.high[0] < low[0] - reach) continue;
        if (solid.low[1] > high[1] + reach || solid.high[1] < low[1] - reach) continue;
        touches.push({ ...gapBetween(piece, solid), solid });
      }
    }
    return touches;
  }

  #isDeepIn(other: Solid): boolean {
    if (other.owner === "floor") return false;
    return this.#pieces.some((piece) => {
      const { gap } = gapBetween(piece, other);
      if (gap >= -this.#near) return false;
      const isLine = other.owner !== "floor" && other.owner.kind === "line";
      return gap < -DEEP * Math.min(thickness(piece), isLine ? Number.POSITIVE_INFINITY : thickness(other));
    });
  }
}

/** The directions, rad, of an outline's edges that face about this way; both sides of a stretch. */
function facing(points: readonly Spot[], normal: Spot): number[] {
  if (points.length < 2) return [];
  return points.flatMap((point, at) => {
    const way = minus(points[(at + 1) % points.length] ?? point, point);
    return dot(unit(outward(way)), normal) > Math.cos(1.5 * FLUSH) ? [Math.atan2(way[1], way[0])] : [];
  });
}

function solidsOf(parts: readonly Part[]): Solid[] {
  // Into the bays of what is fixed things may be put.
  return parts.flatMap((part) =>
    (part.kind === "polygon" && !part.fixed ? [hullOf(part)] : piecesOf(part)).map((piece) => solid(piece, part)),
  );
}

function solid(piece: Piece, owner: Part | "floor"): Solid {
  return { ...piece, owner, ...boxOf(piece) };
}

/** Across its narrowest side. */
function thickness({ points, radius }: Piece): number {
  if (points.length < 3) return 2 * radius;
  const widths = points.map((point, at) => {
    const across = outward(unit(minus(points[(at + 1) % points.length] ?? point, point)));
    const levels = points.map((each) => dot(each, across));
    return Math.max(...levels) - Math.min(...levels);
  });
  return Math.min(...widths) + 2 * radius;
}

function lowestFirst(a: Part, b: Part): number {
  return boundsOf([a]).low[1] - boundsOf([b]).low[1];
}
