import { materialName } from "../../sim/material.ts";
import { MATERIAL_WORDS, PLACES, UNITS } from "../label-words.ts";

/** What a label was meant to say. */
export interface LabelText {
  text: string;
  /** Letters that were read otherwise; one that looks nearly the same counts half. At most one. */
  edits: number;
}

/** What a number may be followed by, */
export const LABEL_UNITS: readonly string[] = [...UNITS.keys()];
/** and words that mean something to the machine. */
export const LABEL_WORDS: readonly string[] = [
  ...materialName.options,
  ...MATERIAL_WORDS.keys(),
  ...[...PLACES.keys()].map((place) => place.charAt(0).toUpperCase() + place.slice(1)),
];
/** In shorter words, another letter makes another word. */
const EDITABLE_CHARS = 4;
const EDITS_MAX = 1;
const MISPLACED = 0.25;
const ANGLE_MAX = 360;
const NUMBER = /^(?:\d{1,5}(?:[.,]\d{1,4})?|[.,]\d{1,4})$/;

/** What stands for each of these, and is taken for it. */
const LOOKALIKES: Readonly<Record<string, string>> = {
  ...{
    "0": "oOD",
    "1": "lI|i",
    "2": "zZ",
    "5": "sS",
    "8": "B",
    "9": "q",
    "°": "0oO*'\"”",
    g: "9q8",
    c: "oeC0",
    k: "K",
  },
};

/** `2 kg`, `30°`, `steel`, `2 kg steel`: what was read may differ from it in one letter. Undefined if it is none of these. */
export function labelTextOf(read: string): LabelText | undefined {
  const plain = read
    .trim()
    .replaceAll("º", "°")
    .replace(/\s+/g, " ")
    .replace(/^(?:m ?= ?|on the )/i, "");
  const whole = quantityOf(plain) ?? wordOf(plain);
  if (whole) return whole;
  for (let at = plain.lastIndexOf(" "); at > 0; at = plain.lastIndexOf(" ", at - 1)) {
    const [head, tail] = [quantityOf(plain.slice(0, at)), wordOf(plain.slice(at + 1))];
    const edits = (head?.edits ?? 0) + (tail?.edits ?? 0);
    if (head && tail && edits <= EDITS_MAX) return { text: `${head.text} ${tail.text}`, edits };
  }
  return;
}

/** A number with its unit. */
function quantityOf(plain: string): LabelText | undefined {
  const found: LabelText[] = [];
  for (let at = 1; at < plain.length; at++) {
    const head = plain.slice(0, at).replaceAll(" ", "");
    const tail = plain.slice(at).replaceAll(" ", "");
    const number = numberOf(head);
    if (!number) continue;
    // A unit begins at a space rather than elsewhere.
    const misplaced = plain.includes(" ") && plain[at] !== " " ? MISPLACED : 0;
    for (const unit of LABEL_UNITS) {
      const edits = number.edits + misplaced + editsBetween(tail, unit);
      const value = Number(number.text.replace(",", "."));
      if (edits > EDITS_MAX || (unit === "°" ? value > ANGLE_MAX : value === 0)) continue;
      found.push({ text: unit === "°" ? `${number.text}°` : `${number.text} ${unit}`, edits });
    }
  }
  return onlyBest(found);
}

function numberOf(chars: string): LabelText | undefined {
  const text = [...chars].map((char) => (/[\d.,]/.test(char) ? char : digitLike(char))).join("");
  const edits = [...chars].filter((char, at) => char !== text[at]).length / 2;
  return NUMBER.test(text) ? { text, edits } : undefined;
}

function digitLike(char: string): string {
  return "01258".split("").find((digit) => LOOKALIKES[digit]?.includes(char)) ?? char;
}

function wordOf(plain: string): LabelText | undefined {
  const read = plain.replace(/[.,]$/, "").toLowerCase();
  return onlyBest(
    LABEL_WORDS.flatMap((text) => {
      const edits = editsBetween(read, text.toLowerCase());
      return edits <= (text.length < EDITABLE_CHARS ? 0 : EDITS_MAX) ? { text, edits } : [];
    }),
  );
}

/** Undefined when it may as well be another. */
function onlyBest(found: readonly LabelText[]): LabelText | undefined {
  const [best, next] = [...found].sort((a, b) => a.edits - b.edits);
  return best && best.edits !== next?.edits ? best : undefined;
}

/** Levenshtein's distance, in which taking a letter for one that looks the same counts half. */
function editsBetween(read: string, meant: string): number {
  if (Math.abs(read.length - meant.length) > EDITS_MAX) return Infinity;
  let row = Array.from({ length: meant.length + 1 }, (_, column) => column);
  for (const [index, char] of [...read].entries()) {
    const next = [index + 1];
    for (let column = 1; column <= meant.length; column++) {
      const change = (row[column - 1] ?? 0) + costOf(char, meant[column - 1] ?? "");
      next.push(Math.min(change, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[meant.length] ?? Infinity;
}

function costOf(read: string, meant: string): number {
  if (read === meant) return 0;
  return LOOKALIKES[meant]?.includes(read) ? 0.5 : 1;
}
