import { z } from "zod";
import { block, ground, hue, PALETTE, post, rod, surface, view, within } from "./parts.ts";
import { look, quantity, type Template } from "./template.ts";

const TRACK = 2;

const params = z.strictObject({
  poleLength: quantity(0.2, 2, 0.8, "m"),
  poleMass: quantity(0.01, 5, 0.2, "kg"),
  cartMass: quantity(0.1, 20, 1, "kg"),
  angle: quantity(-3.1, 3.1, 0.05, "Of the pole at the start, from upright, rad"),
  ...look,
});

export const cartPole: Template<typeof params> = {
  id: "cart-pole",
  title: "Cart and pole",
  description: "Push the cart to keep the pole upright: the classic of control",
  params,
  build(p) {
    const rail = p.poleLength + 0.25;
    return {
      name: "Cart and pole",
      bodies: [
        ground(),
        {
          id: "track",
          pos: [0, 0, 0],
          geoms: [
            ...[-TRACK, TRACK].flatMap((x) => post([x, 0.12], rail, 0.035)),
            ...[-TRACK, TRACK].map((x) => block([x, 0.06, rail], [0.035, 0.1, 0.035])),
            {
              ...rod([-TRACK, 0, rail], [TRACK, 0, rail], 0.018, PALETTE.steel),
            },
          ],
        },
        {
          id: "cart",
          pos: [0, 0, rail],
          joints: [{ id: "slide", type: "slide", axis: [1, 0, 0], range: [0.2 - TRACK, TRACK - 0.2], damping: 0.1 }],
          geoms: [
            {
              type: "box",
              size: [0.15, 0.07, 0.06],
              collide: false,
              ...surface({ ...p, mass: p.cartMass }, { color: hue(4), finish: "matte" }),
            },
          ],
        },
        {
          id: "pole",
          parent: "cart",
          pos: [0, -0.1, 0],
          joints: [{ id: "hinge", type: "hinge", axis: [0, 1, 0], initial: p.angle, damping: 0.002 * p.poleMass }],
          geoms: [
            {
              type: "capsule",
              size: [0.018],
              fromto: [0, 0, 0, 0, 0, p.poleLength],
              mass: p.poleMass,
              collide: false,
              color: PALETTE.amber,
              finish: "wood",
            },
          ],
        },
      ],
      actuators: [{ id: "push", label: "Push the cart (N)", type: "motor", joint: "slide", range: [-20, 20] }],
      sensors: [
        { id: "pole-angle", type: "jointPosition", target: "hinge" },
        { id: "cart-position", type: "jointPosition", target: "slide" },
        { id: "cart-speed", type: "jointVelocity", target: "slide" },
      ],
      camera: view(within([-TRACK - 0.15, -0.1, 0], [TRACK + 0.15, 0.12, rail + p.poleLength])),
    };
  },
};
