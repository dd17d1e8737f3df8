import { type BufferGeometry, Group, Mesh, Sphere, Vector3 } from "three";
import type { Geom, Scene } from "../sim/scene.ts";
import { type Cord, Rope, Spring } from "./cord.ts";
import { geomGeometry, geomPlace, geomRadius } from "./geometry.ts";
import { Materials } from "./material.ts";

interface CordPlace {
  cord: Cord;
  /** The index of the body each point sits on (-1: the world), and where. */
  anchors: { body: number; pos: Vector3 }[];
  points: Vector3[];
}

export interface Floor {
  /** m */
  height: number;
  color: string | undefined;
}

/** A scene's bodies, ropes and springs as three.js objects, one group a body, in the scene's order. */
export class Model {
  readonly root = new Group();
  /** The scene's horizontal floor, if it has one; the stage draws it. */
  readonly floor: Floor | undefined;
  /** About as large as the scene, m. */
  readonly size: number;
  readonly #bodies: Group[];
  readonly #reach: number[];
  readonly #cords: CordPlace[] = [];
  readonly #geometries = new Map<string, BufferGeometry>();
  readonly #materials = new Materials();

  constructor(scene: Scene) {
    const floor = findFloor(scene);
    this.floor = floor?.floor;
    this.#bodies = scene.bodies.map(() => new Group());
    this.#reach = scene.bodies.map((body) =>
      Math.max(
        0,
        ...body.geoms.map((geom) => geomRadius(geom) + new Vector3().setFromMatrixPosition(geomPlace(geom)).length()),
      ),
    );
    scene.bodies.forEach((body, index) => {
      for (const geom of body.geoms) if (geom !== floor?.geom) this.#add(geom, index, body.joints.length > 0);
    });
    this.size = Math.max(0.2, estimateSize(scene));
    this.#addCords(scene);
    this.root.add(...this.#bodies);
    this.root.visible = false;
  }

  /** Places every body; what it takes is what `Playback` gives. */
  pose(positions: Float32Array, quaternions: Float32Array): void {
    this.#bodies.forEach((body, index) => {
      body.position.fromArray(positions, index * 3);
      const at = index * 4;
      body.quaternion.set(quaternions[at + 1]!, quaternions[at + 2]!, quaternions[at + 3]!, quaternions[at]!);
    });
    for (const { cord, anchors, points } of this.#cords) {
      anchors.forEach(({ body, pos }, at) => {
        const point = points[at]!.copy(pos);
        const group = this.#bodies[body];
        if (group) point.applyQuaternion(group.quaternion).add(group.position);
      });
      cord.update(points);
    }
    this.root.visible = true;
  }

  position(body: number): Vector3 | undefined {
    return this.#bodies[body]?.position;
  }

  /** A sphere about everything but planes, as posed. */
  bounds(): Sphere {
    const solid = this.#bodies.flatMap((body, index) =>
      this.#reach[index]! > 0 ? [{ centre: body.position, radius: this.#reach[index]! }] : [],
    );
    const low = new Vector3(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
    const high = low.clone().negate();
    for (const { centre, radius } of solid) {
      low.min(centre.clone().subScalar(radius));
      high.max(centre.clone().addScalar(radius));
    }
    if (solid.length === 0) return new Sphere(new Vector3(), 1);
    return new Sphere(low.clone().add(high).multiplyScalar(0.5), low.distanceTo(high) / 2);
  }

  dispose(): void {
    this.root.removeFromParent();
    for (const geometry of this.#geometries.values()) geometry.dispose();
    for (const { cord } of this.#cords) cord.dispose();
    this.#materials.dispose();
  }

  #add(geom: Geom, body: number, turns: boolean): void {
    const key = JSON.stringify([geom.type, geom.size, geom.fromto]);
    const geometry = this.#geometries.get(key) ?? geomGeometry(geom);
    this.#geometries.set(key, geometry);
    const mesh = new Mesh(geometry, this.#materials.of(geom, body, turns));
    geomPlace(geom).decompose(mesh.position, mesh.quaternion, mesh.scale);
    mesh.castShadow = geom.finish !== "glass";
    mesh.receiveShadow = true;
    this.#bodies[body]!.add(mesh);
  }

  #addCords(scene: Scene): void {
    const indexes = new Map(scene.bodies.map((body, index) => [body.id, index]));
    const thin = Math.min(0.03, Math.max(0.003, this.size * 0.006));
    for (const each of scene.constraints) {
      if (each.type !== "rope" && each.type !== "spring") continue;
      const cord =
        each.type === "rope"
          ? new Rope(each, thin, scene.gravity)
          : new Spring(each, Math.min(each.length * 0.16, thin * 6));
      this.root.add(cord.mesh);
      this.#cords.push({
        cord,
        anchors: each.points.map(({ body, pos }) => ({
          body: body === undefined ? -1 : (indexes.get(body) ?? -1),
          pos: new Vector3(...pos),
        })),
        points: each.points.map(() => new Vector3()),
      });
    }
  }
}

/** The first plane that lies level, facing up, on a body that hangs in the world without joints. */
function findFloor(scene: Scene): { geom: Geom; floor: Floor } | undefined {
  for (const body of scene.bodies) {
    if (body.parent !== undefined || body.joints.length > 0 || !isLevel(body.quat)) continue;
    const geom = body.geoms.find((each) => each.type === "plane" && isLevel(each.quat));
    if (geom) return { geom, floor: { height: body.pos[2] + (geom.pos?.[2] ?? 0), color: geom.color } };
  }
  return undefined;
}

function isLevel(quat: Geom["quat"]): boolean {
  return quat === undefined || Math.hypot(quat[1], quat[2]) < 1e-3;
}

/** From the lengths in the scene alone, before any pose is known. */
function estimateSize(scene: Scene): number {
  const reaches = scene.bodies.flatMap((body) =>
    body.geoms.filter((geom) => geom.type !== "plane").map((geom) => Math.hypot(...body.pos) + geomRadius(geom)),
  );
  return Math.max(0, ...reaches);
}
