const NAMED: Record<string, string> = {
  red: "#e5383b",
  green: "#2e9e4f",
  blue: "#2f6fde",
  yellow: "#f4c430",
  orange: "#f28c28",
  purple: "#8e44ad",
  pink: "#f48fb1",
  brown: "#8b5a2b",
  black: "#1c1c1e",
  white: "#ffffff",
  gray: "#808890",
  cyan: "#00bcd4",
  magenta: "#d81b9a",
  violet: "#7f4fd9",
  indigo: "#4b3fb5",
  turquoise: "#40c8bc",
  teal: "#008080",
  lime: "#a4d82c",
  olive: "#808000",
  navy: "#1b2a6b",
  maroon: "#7b1e2b",
  crimson: "#c8102e",
  scarlet: "#ff2400",
  coral: "#ff7f50",
  salmon: "#fa8072",
  beige: "#e8dcc0",
  tan: "#d2b48c",
  khaki: "#c3b091",
  lavender: "#b8a4e3",
  aqua: "#33d6e0",
  golden: "#e3b341",
  silvery: "#c0c5ce",
  amber: "#ffbf00",
  emerald: "#2ecc71",
  ruby: "#c2185b",
  burgundy: "#800020",
  charcoal: "#36454f",
  cream: "#fff3d6",
  mint: "#98e2c6",
  peach: "#ffcba4",
  plum: "#8e4585",
  "sky blue": "#87ceeb",
  "royal blue": "#4169e1",
  "forest green": "#228b22",
};

const SAME: Record<string, string> = {
  grey: "gray",
  fuchsia: "magenta",
  "navy blue": "navy",
  "lime green": "lime",
  reddish: "red",
  greenish: "green",
  bluish: "blue",
  yellowish: "yellow",
};

/** How far "dark" and its kin go towards black (0) or white (255). */
const SHADES: [words: string[], towards: number, share: number][] = [
  [["dark", "deep"], 0, 0.4],
  [["light", "pale"], 255, 0.5],
  [["bright", "vivid", "hot", "neon"], 255, 0.12],
];

/** Colour words and phrases ("dark blue", "lightgreen") to #rrggbb. */
export const COLORS: ReadonlyMap<string, string> = new Map(
  [
    ...Object.entries(NAMED),
    ...Object.entries(SAME).map(([name, same]) => [name, NAMED[same] ?? same] as const),
  ].flatMap(([name, hex]) => [
    [name, hex] as const,
    ...SHADES.flatMap(([words, towards, share]) =>
      words.flatMap((word) => {
        const shaded = mix(hex, towards, share);
        return [[`${word} ${name}`, shaded] as const, [`${word}${name}`, shaded] as const];
      }),
    ),
  ]),
);

const NAMES: ReadonlyMap<string, string> = new Map([...COLORS].reverse().map(([name, hex]) => [hex, name]));

/** The usual name of a colour in the table, else the colour itself. */
export function colorName(hex: string): string {
  return NAMES.get(hex) ?? hex;
}

/** "#abc" and "#AABBCC" as "#aabbcc". */
export function longHex(hex: string): string {
  return hex.length === 4 ? `#${[...hex.slice(1)].map((digit) => digit + digit).join("")}` : hex;
}

function mix(hex: string, towards: number, share: number): string {
  const channels = [1, 3, 5].map((place) => Number.parseInt(hex.slice(place, place + 2), 16));
  return `#${channels
    .map((channel) =>
      Math.round(channel + (towards - channel) * share)
        .toString(16)
        .padStart(2, "0"),
    )
    .join("")}`;
}
