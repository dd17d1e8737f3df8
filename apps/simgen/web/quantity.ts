import type { Actuator, Joint, Scene } from "../sim/scene.ts";

/** How a number of the scene is shown: `shown = value * factor`, in `unit`. */
export interface Quantity {
  unit: string;
  factor: number;
}

const DEGREES: Quantity = { unit: "°", factor: 180 / Math.PI };

/** Of an actuator's control value. A motor's is shown as the force or torque it makes. */
export function controlQuantity(actuator: Actuator, scene: Scene): Quantity {
  const turns = jointOf(scene, actuator.joint)?.type === "hinge";
  switch (actuator.type) {
    case "position":
      return turns ? DEGREES : { unit: "m", factor: 1 };
    case "velocity":
      return { unit: turns ? "rad/s" : "m/s", factor: 1 };
    case "motor":
      return { unit: turns ? "N·m" : "N", factor: actuator.gain ?? 1 };
  }
}

export function sensorQuantity({ type, target }: Scene["sensors"][number], scene: Scene): Quantity {
  const joint = type === "actuatorForce" ? scene.actuators.find((each) => each.id === target)?.joint : target;
  const turns = joint !== undefined && jointOf(scene, joint)?.type === "hinge";
  switch (type) {
    case "jointPosition":
      return turns ? DEGREES : { unit: "m", factor: 1 };
    case "jointVelocity":
      return { unit: turns ? "rad/s" : "m/s", factor: 1 };
    case "bodyPosition":
      return { unit: "m", factor: 1 };
    case "bodyVelocity":
      return { unit: "m/s", factor: 1 };
    case "actuatorForce":
      return { unit: turns ? "N·m" : "N", factor: 1 };
  }
}

/** Three significant figures or so, with a real minus sign. */
export function figure(value: number): string {
  const size = Math.abs(value);
  const text = value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

export function withUnit(value: number, { unit, factor }: Quantity): string {
  return `${figure(value * factor)}${unit === "°" ? "" : "\u202f"}${unit}`;
}

/** "Steer (rad, + is left)" as "Steer (+ is left)": the value is shown with its unit, which may be another. */
export function withoutUnit(label: string): string {
  return label.replace(/\((?:wheel )?(?:rad\/s|rad|m\/s|m|N·m|Nm|N)(?:, )?/, "(").replace(/\s*\(\)/, "");
}

/** "left_wheel-speed" as "Left wheel speed". */
export function humanised(id: string): string {
  const words = id
    .replace(/([a-z])([A-Z0-9])/g, "$1 $2")
    .replace(/[_-]+/g, " ")
    .trim()
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function jointOf(scene: Scene, id: string): Joint | undefined {
  for (const body of scene.bodies) for (const joint of body.joints) if (joint.id === id) return joint;
  return undefined;
}
