import { ballOnRamp } from "./ball-on-ramp.ts";
import { bouncingBalls } from "./bouncing-balls.ts";
import { boxStack } from "./box-stack.ts";
import { car } from "./car.ts";
import { cartPole } from "./cart-pole.ts";
import { chain } from "./chain.ts";
import { dominoRow } from "./domino-row.ts";
import { doublePendulum } from "./double-pendulum.ts";
import { hexapod } from "./hexapod.ts";
import { newtonsCradle } from "./newtons-cradle.ts";
import { objects } from "./objects.ts";
import { pendulum } from "./pendulum.ts";
import { projectile } from "./projectile.ts";
import { pulley } from "./pulley.ts";
import { seesaw } from "./seesaw.ts";
import { spinningTop } from "./spinning-top.ts";
import { springMass } from "./spring-mass.ts";
import type { Template } from "./template.ts";
import { twoLinkArm } from "./two-link-arm.ts";
import { wreckingBall } from "./wrecking-ball.ts";

/** In the order of the gallery. */
export const TEMPLATES: readonly Template[] = [
  newtonsCradle,
  doublePendulum,
  hexapod,
  dominoRow,
  car,
  wreckingBall,
  twoLinkArm,
  cartPole,
  pendulum,
  springMass,
  pulley,
  bouncingBalls,
  boxStack,
  ballOnRamp,
  projectile,
  spinningTop,
  chain,
  seesaw,
  objects,
];

/** The template with this id, if there is one. */
export function templateById(id: string): Template | undefined {
  return TEMPLATES.find((template) => template.id === id);
}
