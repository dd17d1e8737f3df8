import { z } from "zod";
import { type BodyInput, block, GRAVITY, ground, hue, PALETTE, surface, view, within } from "./parts.ts";
import { count, derived, look, quantity, type Template } from "./template.ts";

const params = z.strictObject({
  length1: quantity(0.15, 2, 0.5, "Of the link at the base, m"),
  length2: quantity(0.1, 2, 0.4, "Of each further link, m"),
  payload: derived(0.01, 20, "What the gripper holds, kg; default: nothing"),
  links: count(2, 5, 2, "How many links"),
  ...look,
});

export const twoLinkArm: Template<typeof params> = {
  id: "two-link-arm",
  title: "Robot arm",
  description: "Links with a motor at each joint and a gripper at the tip; it waves until you take a slider",
  params,
  build(p) {
    const lengths = Array.from({ length: p.links }, (_, index) => (index === 0 ? p.length1 : p.length2));
    const reach = lengths.reduce((sum, length) => sum + length, 0);
    const thickness = 0.06 * Math.max(p.length1, p.length2);
    const base = 0.25 * reach;
    const linkMass = lengths.map((length) => 2 * length);
    const tip = p.payload ?? 0;
    const moving = linkMass.reduce((sum, mass) => sum + mass, tip);
    // Stiff enough to sag by about 0.05 rad with the arm stretched out; damped close to critically.
    const stiffness = 20 * moving * GRAVITY * reach;
    const damping = 1.4 * Math.sqrt(stiffness * moving * reach ** 2 * 0.5);
    return {
      name: p.links === 2 ? "Two-link arm" : `Arm of ${p.links} links`,
      bodies: [
        ground(),
        {
          id: "base",
          pos: [0, 0, 0],
          geoms: [
            {
              type: "cylinder",
              size: [2.4 * thickness, 0.5 * thickness],
              pos: [0, 0, 0.5 * thickness],
              color: PALETTE.ink,
              finish: "metal",
            },
            {
              type: "cylinder",
              size: [1.3 * thickness, 0.5 * base],
              pos: [0, 0, 0.5 * base],
              collide: false,
              color: PALETTE.slate,
              finish: "metal",
            },
          ],
        },
        ...lengths.map((length, index): BodyInput => {
          const width = thickness * 0.9 ** index;
          const made = surface({ ...p, mass: linkMass[index] }, { color: hue(index), finish: "metal" });
          return {
            id: `link-${index + 1}`,
            ...(index === 0 ? {} : { parent: `link-${index}` }),
            pos: index === 0 ? [0, 0, base] : [0, 0, lengths[index - 1] ?? 0],
            joints: [
              {
                id: `joint-${index + 1}`,
                type: "hinge",
                axis: [0, 1, 0],
                range: index === 0 ? [-1.8, 1.8] : [-2.6, 2.6],
                initial: index === 0 ? 0.3 : 0.8,
                armature: 0.02 * moving * reach ** 2,
              },
            ],
            geoms: [
              { type: "capsule", size: [0.75 * width], fromto: [0, 0, 0, 0, 0, length], collide: false, ...made },
              {
                type: "cylinder",
                size: [width],
                fromto: [0, -width, 0, 0, width, 0],
                mass: 1e-6,
                collide: false,
                color: PALETTE.ink,
                finish: "metal",
              },
            ],
          };
        }),
        gripper(p.links, lengths[p.links - 1] ?? 0, thickness * 0.9 ** p.links, tip),
      ],
      actuators: lengths.map((_, index) => ({
        id: `motor-${index + 1}`,
        label: `${["Shoulder", "Elbow", "Wrist", "Joint 4", "Joint 5"][index]} (rad)`,
        type: "position",
        joint: `joint-${index + 1}`,
        range: index === 0 ? [-1.8, 1.8] : [-2.6, 2.6],
        initial: index === 0 ? 0.3 : 0.8,
        gain: stiffness,
        damping,
        wave: { amplitude: 0.6, frequencyHz: 0.2 + 0.07 * index, phase: (0.25 * index) % 1 },
      })),
      sensors: [
        ...lengths.map((_, index) => ({
          id: `angle-${index + 1}`,
          type: "jointPosition" as const,
          target: `joint-${index + 1}`,
        })),
        { id: "tip", type: "bodyPosition", target: "gripper" },
      ],
      camera: view(within([-0.5 * reach, -2 * thickness, 0], [reach, 2 * thickness, base + reach]), { azimuth: 1.2 }),
    };
  },
};

/** Two fingers at the end of the last link, and what they hold. */
function gripper(links: number, length: number, size: number, payload: number): BodyInput {
  const held = Math.min(1.2 * size, 0.08 * Math.cbrt(payload));
  const opening = Math.max(held, 0.6 * size);
  const finger = { ...block([0, 0, 0], [1, 1, 1]), mass: 1e-3 };
  return {
    id: "gripper",
    parent: `link-${links}`,
    pos: [0, 0, length],
    geoms: [
      { ...finger, pos: [0, 0, size], size: [opening + 0.5 * size, 0.5 * size, 0.25 * size] },
      ...[-1, 1].map((side) => ({
        ...finger,
        pos: [side * (opening + 0.25 * size), 0, 2.2 * size] as [number, number, number],
        size: [0.25 * size, 0.4 * size, 1.2 * size],
        color: PALETTE.slate,
      })),
      ...(payload > 0
        ? [
            {
              type: "sphere" as const,
              size: [held],
              pos: [0, 0, 2.4 * size + held * 0.5] as [number, number, number],
              mass: payload,
              color: PALETTE.amber,
              finish: "rubber" as const,
            },
          ]
        : []),
    ],
  };
}
