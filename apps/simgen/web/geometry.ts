import {
  type BufferGeometry,
  CapsuleGeometry,
  LatheGeometry,
  Matrix4,
  Quaternion,
  SphereGeometry,
  Vector2,
  Vector3,
} from "three";
import { RoundedBoxGeometry } from "three/addons/geometries/RoundedBoxGeometry.js";
import type { Geom } from "../sim/scene.ts";

const UP = new Vector3(0, 0, 1);
const ROUND = 40;

/** The surface of a geom about its own centre, z up as in the scene. A plane is a thin slab below its surface. */
export function geomGeometry(geom: Geom): BufferGeometry {
  const [a, b = a, c = a] = geom.size as [number, number?, number?];
  const half = geom.fromto ? span(geom.fromto).length() / 2 : b;
  switch (geom.type) {
    case "sphere":
      return new SphereGeometry(a, ROUND, ROUND / 2).rotateX(Math.PI / 2);
    case "ellipsoid":
      return new SphereGeometry(1, ROUND, ROUND / 2).rotateX(Math.PI / 2).scale(a, b, c);
    case "capsule":
      return new CapsuleGeometry(a, half * 2, 8, 24).rotateX(Math.PI / 2);
    case "cylinder":
      return bevelledCylinder(a, half).rotateX(Math.PI / 2);
    case "box":
      return roundedBox(a, b, c);
    case "plane": {
      const thickness = Math.min(a, b) * 0.02;
      return roundedBox(a, b, thickness).translate(0, 0, -thickness);
    }
  }
}

/** Where the geom sits in its body's frame. */
export function geomPlace(geom: Geom): Matrix4 {
  const place = new Matrix4();
  const one = new Vector3(1, 1, 1);
  if (geom.fromto) {
    const [ax, ay, az, bx, by, bz] = geom.fromto;
    const turn = new Quaternion().setFromUnitVectors(UP, span(geom.fromto).normalize());
    return place.compose(new Vector3((ax + bx) / 2, (ay + by) / 2, (az + bz) / 2), turn, one);
  }
  const [w, x, y, z] = geom.quat ?? [1, 0, 0, 0];
  return place.compose(new Vector3(...(geom.pos ?? [0, 0, 0])), new Quaternion(x, y, z, w).normalize(), one);
}

/** A number about as large as the geom, m; planes do not count. */
export function geomRadius(geom: Geom): number {
  if (geom.type === "plane") return 0;
  if (geom.fromto) return span(geom.fromto).length() / 2 + geom.size[0]!;
  if (geom.type === "capsule") return geom.size[0]! + geom.size[1]!;
  return Math.hypot(...geom.size);
}

function span([ax, ay, az, bx, by, bz]: NonNullable<Geom["fromto"]>): Vector3 {
  return new Vector3(bx - ax, by - ay, bz - az);
}

function roundedBox(x: number, y: number, z: number): BufferGeometry {
  return new RoundedBoxGeometry(2 * x, 2 * y, 2 * z, 3, Math.min(x, y, z) * 0.14);
}

/** About y, as LatheGeometry has it. The texture's v runs bottom cap, side, top cap, in thirds (see material.ts). */
function bevelledCylinder(radius: number, half: number): BufferGeometry {
  const bevel = Math.min(radius, half) * 0.12;
  const corner = (up: 1 | -1) =>
    [0, 0.25, 0.5, 0.75, 1].map((share) => {
      const angle = (share * Math.PI) / 2;
      const [outward, along] = [Math.sin(angle), Math.cos(angle)];
      return new Vector2(radius - bevel + bevel * outward, up * (half - bevel + bevel * along));
    });
  const profile = [new Vector2(1e-6, -half), ...corner(-1), ...corner(1).reverse(), new Vector2(1e-6, half)];
  const geometry = new LatheGeometry(profile, ROUND);
  const uv = geometry.getAttribute("uv");
  const points = geometry.getAttribute("position");
  for (let at = 0; at < uv.count; at++) {
    const side = points.getY(at) / half;
    const out = Math.hypot(points.getX(at), points.getZ(at)) / radius;
    uv.setY(at, Math.abs(side) > 0.999 || out < 0.9 ? (side < 0 ? out / 3 : 1 - out / 3) : 0.5 + side / 6.2);
  }
  return geometry;
}
