import { type MaterialName, materialName } from "../../sim/material.ts";
import type { Label } from "../recognition.ts";

type Measure = "length" | "mass" | "angle" | "speed" | "spin";

/** What a label says, in SI units (m, kg, rad, m/s, rad/s). */
export type Said =
  | { kind: Measure; value: number }
  | { kind: "material"; name: MaterialName }
  /** m/s², downwards. */
  | { kind: "gravity"; value: number; place: string }
  /** Words that say nothing about physics: what the thing is called. */
  | { kind: "name" };

/** A label that is understood, with one of the things it says. */
export type Saying = { label: Label } & Said;

const DEGREE = Math.PI / 180;

const UNITS = tableOf<{ kind: Measure; factor: number }>({
  mm: { kind: "length", factor: 0.001 },
  cm: { kind: "length", factor: 0.01 },
  m: { kind: "length", factor: 1 },
  meter: { kind: "length", factor: 1 },
  metre: { kind: "length", factor: 1 },
  km: { kind: "length", factor: 1000 },
  in: { kind: "length", factor: 0.0254 },
  ft: { kind: "length", factor: 0.3048 },
  g: { kind: "mass", factor: 0.001 },
  kg: { kind: "mass", factor: 1 },
  t: { kind: "mass", factor: 1000 },
  lb: { kind: "mass", factor: 0.45359237 },
  "°": { kind: "angle", factor: DEGREE },
  deg: { kind: "angle", factor: DEGREE },
  degree: { kind: "angle", factor: DEGREE },
  rad: { kind: "angle", factor: 1 },
  "m/s": { kind: "speed", factor: 1 },
  "km/h": { kind: "speed", factor: 1 / 3.6 },
  rpm: { kind: "spin", factor: Math.PI / 30 },
  "rad/s": { kind: "spin", factor: 1 },
});

/** Besides the materials' own names. */
const MATERIAL_WORDS = tableOf<MaterialName>({
  metal: "steel",
  wooden: "wood",
  icy: "ice",
  frozen: "ice",
  aluminum: "aluminium",
  rock: "stone",
  granite: "stone",
});

/** m/s², NASA planetary fact sheets. */
const PLACES = tableOf<[name: string, gravity: number]>({
  earth: ["the Earth", 9.81],
  moon: ["the Moon", 1.62],
  mars: ["Mars", 3.71],
  venus: ["Venus", 8.87],
  mercury: ["Mercury", 3.7],
  jupiter: ["Jupiter", 24.79],
  saturn: ["Saturn", 10.44],
  uranus: ["Uranus", 8.87],
  neptune: ["Neptune", 11.15],
  pluto: ["Pluto", 0.62],
  titan: ["Titan", 1.35],
  space: ["space", 0],
});

const NUMBER_AND_UNIT = /(\d{1,9}(?:[.,]\d{1,9})?|[.,]\d{1,9})\s*(°|[a-z]+\/[a-z]+|[a-z]+)/g;
const SAYINGS_MAX = 4;

/** Everything that the labels of a drawing say, in their order. */
export function sayings(labels: readonly Label[]): Saying[] {
  return labels.flatMap((label) => readLabel(label.text).map((said) => ({ label, ...said })));
}

/** `1 kg`, `m = 500 g`, `30°`, `ice`, `2 kg steel`, `on the Moon`; at most four things. */
export function readLabel(text: string): Said[] {
  const plain = text.toLowerCase().replaceAll("º", "°");
  const said: Said[] = [...plain.matchAll(NUMBER_AND_UNIT)].flatMap(([, digits = "", written = ""]) => {
    const unit = UNITS.get(written) ?? UNITS.get(written.replace(/s$/, ""));
    const value = Number(digits.replace(",", ".")) * (unit?.factor ?? 0);
    return unit && (value > 0 || unit.kind === "angle") ? [{ kind: unit.kind, value }] : [];
  });
  for (const word of plain.match(/[a-z]+/g) ?? []) {
    const material = materialName.safeParse(MATERIAL_WORDS.get(word) ?? word);
    if (material.success) said.push({ kind: "material", name: material.data });
    const place = PLACES.get(word);
    if (place) said.push({ kind: "gravity", value: place[1], place: place[0] });
  }
  return said.length > 0 ? said.slice(0, SAYINGS_MAX) : [{ kind: "name" }];
}

function tableOf<Value>(entries: Record<string, Value>): ReadonlyMap<string, Value> {
  return new Map(Object.entries(entries));
}
