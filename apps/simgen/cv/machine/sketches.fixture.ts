import type { Point } from "../drawing.ts";
import type { Recognition } from "../recognition.ts";
import {
  around,
  box,
  circle,
  ground,
  hinge,
  line,
  motor,
  polygon,
  push,
  rope,
  seen,
  spring,
  weld,
} from "./seen.fixture.ts";

// For tests: machines as a hand draws them. Nothing is level, plumb or quite in contact.

export const GROUND = ground([
  [40, 503],
  [760, 498],
]);

export const pendulum = seen(
  [
    line(
      "line-1",
      [
        [250, 60],
        [550, 57],
      ],
      true,
    ),
    line("line-2", [
      [402, 61],
      [482, 290],
    ]),
    circle("circle-1", [493, 320], 32),
  ],
  [hinge("hinge-1", "line-2", "line-1", [401, 59]), weld("weld-1", "line-2", "circle-1", [482, 290])],
);

export const ramp = (rise: number, more: Parameters<typeof seen>[2] = {}) =>
  seen(
    [
      GROUND,
      polygon("polygon-1", [
        [150, 499],
        [602, 503],
        [599, 501 - rise],
      ]),
      box("box-1", [500, 474 - (rise * 350) / 450], [62, 44], (-Math.atan2(rise, 450) * 180) / Math.PI + 4),
    ],
    [],
    more,
  );

export const car = (from: number, to: number) =>
  seen(
    [
      GROUND,
      box("box-1", [300, 421], [200, 70], 2),
      circle("circle-1", [235, 463], 38),
      circle("circle-2", [367, 460], 37),
    ],
    [hinge("hinge-1", "circle-1", "box-1", [235, 463]), hinge("hinge-2", "circle-2", "box-1", [367, 460])],
    { arrows: [motor("arrow-1", "circle-1", around([235, 463], 55, from, to))] },
  );

export const stack = seen([
  GROUND,
  box("box-1", [402, 462], [82, 78], 2),
  box("box-2", [398, 386], [80, 80], -3),
  box("box-3", [405, 303], [78, 82], 1),
  box("box-4", [396, 220], [80, 78], 4),
  box("box-5", [402, 142], [81, 79], -2),
]);

export const ball = seen([
  GROUND,
  polygon("polygon-1", [
    [150, 499],
    [602, 503],
    [599, 301],
  ]),
  circle("circle-1", [540, 300], 24),
]);

export const plank = seen([
  GROUND,
  box("box-1", [250, 460], [80, 83], 2),
  box("box-2", [550, 463], [80, 74], -2),
  box("box-3", [402, 408], [420, 20], 1),
]);

export const arm = seen(
  [
    line("line-1", [
      [400, 300],
      [521, 296],
    ]),
    line("line-2", [
      [520, 297],
      [598, 380],
    ]),
  ],
  [hinge("hinge-1", "line-1", null, [400, 300]), hinge("hinge-2", "line-1", "line-2", [520, 297])],
  { arrows: [motor("arrow-1", "line-1", around([400, 300], 40, 300, 420))] },
);

export const bouncer = seen(
  [
    line(
      "line-1",
      [
        [300, 60],
        [500, 62],
      ],
      true,
    ),
    box("box-1", [404, 300], [80, 60], 3),
  ],
  [
    spring("spring-1", "line-1", "box-1", [
      [400, 62],
      [402, 269],
    ]),
  ],
);

export const seesaw = seen(
  [
    GROUND,
    polygon("polygon-1", [
      [350, 502],
      [452, 499],
      [401, 412],
    ]),
    line("line-1", [
      [180, 411],
      [620, 407],
    ]),
    box("box-1", [215, 383], [52, 50], 1),
    box("box-2", [588, 366], [76, 78], -1),
  ],
  [hinge("hinge-1", "line-1", "polygon-1", [401, 410])],
);

export const linkage = seen(
  [
    line("line-1", [
      [300, 400],
      [303, 330],
    ]),
    line("line-2", [
      [303, 330],
      [520, 260],
    ]),
    line("line-3", [
      [520, 260],
      [500, 402],
    ]),
  ],
  [
    hinge("hinge-1", "line-1", null, [300, 400]),
    hinge("hinge-2", "line-1", "line-2", [303, 330]),
    hinge("hinge-3", "line-2", "line-3", [520, 260]),
    hinge("hinge-4", "line-3", null, [500, 402]),
  ],
  { arrows: [motor("arrow-1", "line-1", around([300, 400], 40, 180, 320))] },
);

export const thrown = seen([GROUND, circle("circle-1", [120, 476], 24)], [], {
  arrows: [
    push("arrow-1", "circle-1", [
      [140, 455],
      [260, 335],
    ]),
  ],
});

export const hung = seen(
  [
    line(
      "line-1",
      [
        [250, 60],
        [550, 58],
      ],
      true,
    ),
    circle("circle-1", [560, 270], 30),
  ],
  [
    rope("rope-1", "circle-1", "line-1", [
      [545, 245],
      [500, 190],
      [455, 128],
      [402, 61],
    ]),
  ],
);

const over: Point[] = [
  [340, 420],
  [341, 160],
  [352, 124],
  [400, 98],
  [447, 122],
  [460, 160],
  [459, 300],
];
export const pulley = seen(
  [circle("circle-1", [400, 160], 60), box("box-1", [340, 445], [50, 50]), box("box-2", [460, 340], [80, 80])],
  [hinge("hinge-1", "circle-1", null, [400, 160]), rope("rope-1", "box-1", "box-2", over)],
);

const balls = [0, 1, 2, 3, 4].map((index) => ({ x: 280 + index * 60, index }));
export const cradle = seen(
  [
    line(
      "line-9",
      [
        [200, 80],
        [640, 82],
      ],
      true,
    ),
    ...balls.flatMap(({ x, index }) => {
      const at: Point = index === 0 ? [x - 130, 80 + 198] : [x + (index % 2) * 3, 318 - (index % 3)];
      const end: Point = index === 0 ? [x - 117, 80 + 177] : [x + 1, 290];
      return [line(`line-${index + 1}`, [[x, 81], end]), circle(`circle-${index + 1}`, at, 29 + (index % 2) * 2)];
    }),
  ],
  balls.flatMap(({ x, index }) => [
    hinge(`hinge-${index + 1}`, `line-${index + 1}`, "line-9", [x, 81]),
    weld(`weld-${index + 1}`, `line-${index + 1}`, `circle-${index + 1}`, [x, 290]),
  ]),
);

export const DOMINOES = 6;
export const dominoes = seen(
  [
    GROUND,
    ...Array.from({ length: DOMINOES }, (_, index) =>
      box(`box-${index + 1}`, [250 + 45 * index, 448 + (index % 2) * 3], [14 + (index % 3), 100], (index % 3) - 1),
    ),
  ],
  [],
  {
    arrows: [
      push("arrow-1", "box-1", [
        [180, 405],
        [236, 407],
      ]),
    ],
  },
);

export const MACHINES: Record<string, Recognition> = {
  ...{ pendulum, "ball on a ramp": ball, "box on a ramp": ramp(200), car: car(200, 330), stack, plank, arm },
  ...{
    "mass on a spring": bouncer,
    seesaw,
    linkage,
    "thrown ball": thrown,
    "ball on a rope": hung,
    pulley,
    cradle,
    dominoes,
  },
};
