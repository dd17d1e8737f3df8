import { type MaterialName, materialName } from "../../sim/material.ts";
import { MATERIAL_WORDS, type Measure, PLACES, UNITS } from "../label-words.ts";
import type { Label } from "../recognition.ts";

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
    if (place) said.push({ kind: "gravity", ...place });
  }
  return said.length > 0 ? said.slice(0, SAYINGS_MAX) : [{ kind: "name" }];
}
