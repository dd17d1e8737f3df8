import {
  BufferAttribute,
  BufferGeometry,
  CatmullRomCurve3,
  DynamicDrawUsage,
  type Material,
  Mesh,
  MeshStandardMaterial,
  Quaternion,
  TubeGeometry,
  Vector3,
} from "three";
import type { Constraint, Vec3 } from "../sim/scene.ts";

type RopeSpec = Extract<Constraint, { type: "rope" }>;
type SpringSpec = Extract<Constraint, { type: "spring" }>;

/** Something drawn between points that move: a rope or a spring. */
export interface Cord {
  readonly mesh: Mesh;
  /** Takes the points' places in the world. */
  update(points: readonly Vector3[]): void;
  dispose(): void;
}

const SIDES = 7;
const SLACK_PIECES = 14;

/** A tube through the points; where it is slack it sags along gravity. */
export class Rope implements Cord {
  readonly mesh: Mesh;
  readonly #length: number;
  readonly #radius: number;
  readonly #down: Vector3;
  readonly #geometry = new BufferGeometry();
  readonly #material: Material;
  readonly #path: Vector3[];

  constructor(spec: RopeSpec, radius: number, gravity: Vec3) {
    this.#length = spec.length;
    this.#radius = radius;
    this.#down = new Vector3(...gravity);
    if (this.#down.length() > 0) this.#down.normalize();
    this.#path = Array.from({ length: (spec.points.length - 1) * SLACK_PIECES + 1 }, () => new Vector3());
    const vertices = this.#path.length * SIDES;
    for (const name of ["position", "normal"]) {
      const attribute = new BufferAttribute(new Float32Array(vertices * 3), 3);
      attribute.setUsage(DynamicDrawUsage);
      this.#geometry.setAttribute(name, attribute);
    }
    this.#geometry.setIndex(tubeIndex(this.#path.length));
    this.#material = new MeshStandardMaterial({ color: spec.color ?? "#b9a37e", roughness: 0.85 });
    this.mesh = new Mesh(this.#geometry, this.#material);
    this.mesh.castShadow = true;
    this.mesh.frustumCulled = false;
  }

  update(points: readonly Vector3[]): void {
    let straight = 0;
    for (let at = 1; at < points.length; at++) straight += points[at]!.distanceTo(points[at - 1]!);
    const slack = Math.max(0, this.#length - straight);
    this.#path[0]!.copy(points[0]!);
    let next = 1;
    for (let at = 1; at < points.length; at++) {
      const [from, to] = [points[at - 1]!, points[at]!];
      const reach = from.distanceTo(to);
      const sag = sagOf(reach, straight > 0 ? (slack * reach) / straight : slack);
      for (let piece = 1; piece <= SLACK_PIECES; piece++) {
        const share = piece / SLACK_PIECES;
        this.#path[next++]!.lerpVectors(from, to, share).addScaledVector(this.#down, sag * 4 * share * (1 - share));
      }
    }
    this.#wrap();
  }

  dispose(): void {
    this.#geometry.dispose();
    this.#material.dispose();
  }

  /** Lays rings about the path, carrying their orientation along it so that the tube does not twist. */
  #wrap(): void {
    const positions = this.#geometry.getAttribute("position");
    const normals = this.#geometry.getAttribute("normal");
    const path = this.#path;
    for (let at = 0; at < path.length; at++) {
      TANGENT.subVectors(path[Math.min(at + 1, path.length - 1)]!, path[Math.max(0, at - 1)]!);
      if (TANGENT.lengthSq() < 1e-12) TANGENT.set(0, 0, 1);
      TANGENT.normalize();
      if (at === 0) SIDEWAYS.set(Math.abs(TANGENT.x) < 0.8 ? 1 : 0, Math.abs(TANGENT.x) < 0.8 ? 0 : 1, 0);
      SIDEWAYS.addScaledVector(TANGENT, -SIDEWAYS.dot(TANGENT));
      if (SIDEWAYS.lengthSq() < 1e-9) SIDEWAYS.set(TANGENT.y, TANGENT.z, TANGENT.x).cross(TANGENT);
      SIDEWAYS.normalize();
      ACROSS.crossVectors(TANGENT, SIDEWAYS);
      for (let side = 0; side < SIDES; side++) {
        const angle = (side / SIDES) * 2 * Math.PI;
        NORMAL.copy(SIDEWAYS).multiplyScalar(Math.cos(angle)).addScaledVector(ACROSS, Math.sin(angle));
        const index = at * SIDES + side;
        const centre = path[at]!;
        normals.setXYZ(index, NORMAL.x, NORMAL.y, NORMAL.z);
        positions.setXYZ(
          index,
          centre.x + NORMAL.x * this.#radius,
          centre.y + NORMAL.y * this.#radius,
          centre.z + NORMAL.z * this.#radius,
        );
      }
    }
    positions.needsUpdate = true;
    normals.needsUpdate = true;
  }
}

/** A coil made at its rest length and stretched between its two points. */
export class Spring implements Cord {
  readonly mesh: Mesh;
  readonly #geometry: BufferGeometry;
  readonly #material: Material;
  readonly #restLength: number;
  readonly #turn = new Quaternion();

  constructor(spec: SpringSpec, radius: number) {
    const turns = Math.max(5, Math.min(18, Math.round(spec.length / (radius * 1.1))));
    this.#restLength = spec.length;
    const path = new CatmullRomCurve3(coil(turns, radius, spec.length));
    this.#geometry = new TubeGeometry(path, turns * 18, radius * 0.14, SIDES);
    this.#material = new MeshStandardMaterial({
      color: spec.color ?? "#b4bcc8",
      roughness: 0.32,
      metalness: 0.85,
      envMapIntensity: 1.3,
    });
    this.mesh = new Mesh(this.#geometry, this.#material);
    this.mesh.castShadow = true;
    this.mesh.frustumCulled = false;
  }

  update(points: readonly Vector3[]): void {
    const [from, to] = [points[0]!, points[1]!];
    TANGENT.subVectors(to, from);
    const reach = Math.max(1e-4, TANGENT.length());
    this.mesh.position.copy(from);
    this.mesh.quaternion.copy(this.#turn.setFromUnitVectors(UP, TANGENT.divideScalar(reach)));
    this.mesh.scale.set(1, 1, reach / this.#restLength);
  }

  dispose(): void {
    this.#geometry.dispose();
    this.#material.dispose();
  }
}

const UP = new Vector3(0, 0, 1);
const TANGENT = new Vector3();
const SIDEWAYS = new Vector3();
const ACROSS = new Vector3();
const NORMAL = new Vector3();

/** Depth of a parabola over `reach` whose arc is longer by `slack`: exact for little slack, a loop's half for much. */
function sagOf(reach: number, slack: number): number {
  return Math.min(Math.sqrt(0.375 * reach * slack) + 0.05 * slack, (reach + slack) / 2);
}

function tubeIndex(rings: number): number[] {
  const index: number[] = [];
  for (let ring = 0; ring < rings - 1; ring++)
    for (let side = 0; side < SIDES; side++) {
      const [a, b] = [ring * SIDES + side, ring * SIDES + ((side + 1) % SIDES)];
      index.push(a, b, a + SIDES, b, b + SIDES, a + SIDES);
    }
  return index;
}

/** From 0 to `length` along z, with straight ends on the axis. */
function coil(turns: number, radius: number, length: number): Vector3[] {
  const points = [new Vector3(0, 0, 0), new Vector3(0, 0, 0.04 * length)];
  const count = turns * 10;
  for (let at = 0; at <= count; at++) {
    const angle = (at / 10) * 2 * Math.PI;
    const along = (0.08 + (0.84 * at) / count) * length;
    points.push(new Vector3(Math.cos(angle) * radius, Math.sin(angle) * radius, along));
  }
  points.push(new Vector3(0, 0, 0.96 * length), new Vector3(0, 0, length));
  return points;
}
