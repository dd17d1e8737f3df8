/** The words that a label of a drawing may have, as they are read and as they are understood. All in small letters. */
import type { MaterialName } from "../sim/material.ts";

export type Measure = "length" | "mass" | "angle" | "speed" | "spin";

const DEGREE = Math.PI / 180;

/** What a number may be followed by, in SI. */
export const UNITS = tableOf<{ kind: Measure; factor: number }>({
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
export const MATERIAL_WORDS = tableOf<MaterialName>({
  metal: "steel",
  wooden: "wood",
  icy: "ice",
  frozen: "ice",
  aluminum: "aluminium",
  rock: "stone",
  granite: "stone",
});

/** `value` in m/s², NASA planetary fact sheets. */
export const PLACES = tableOf<{ place: string; value: number }>({
  earth: { place: "the Earth", value: 9.81 },
  moon: { place: "the Moon", value: 1.62 },
  mars: { place: "Mars", value: 3.71 },
  venus: { place: "Venus", value: 8.87 },
  mercury: { place: "Mercury", value: 3.7 },
  jupiter: { place: "Jupiter", value: 24.79 },
  saturn: { place: "Saturn", value: 10.44 },
  uranus: { place: "Uranus", value: 8.87 },
  neptune: { place: "Neptune", value: 11.15 },
  pluto: { place: "Pluto", value: 0.62 },
  titan: { place: "Titan", value: 1.35 },
  space: { place: "space", value: 0 },
});

function tableOf<Value>(entries: Record<string, Value>): ReadonlyMap<string, Value> {
  return new Map(Object.entries(entries));
}
