import { ENGLISH } from "./english.ts";
import { LEXICON } from "./lexicon.ts";
import { NUMBER_WORDS, UNIT_WORDS } from "./quantity.ts";

const LETTERS_MIN = 5;
const LETTERS_MAX = 24;

/** Words that say something about a scene, alone or in a phrase; a misspelt "please" is only an unknown word. */
const TELLING: ReadonlySet<string> = new Set(
  [...LEXICON].flatMap(([phrase, { kind }]) =>
    /^(?:noun|trait|degree|property|action|gravity)$/.test(kind) ? phrase.split(" ") : [],
  ),
);
const VOCABULARY: ReadonlySet<string> = new Set([
  ...[...LEXICON.keys()].flatMap((phrase) => phrase.split(" ")),
  ...NUMBER_WORDS,
  ...UNIT_WORDS,
]);

/** Each word of the vocabulary under itself and under itself with any one letter left out. */
const INDEX: ReadonlyMap<string, string[]> = index();

/**
 * The one word of the vocabulary that `word` misspells by a letter (wrong, missing, extra, or two swapped), if it has
 * five letters or more and there is no doubt.
 */
export function correct(word: string): string | undefined {
  if (word.length < LETTERS_MIN || word.length > LETTERS_MAX) return undefined;
  if (VOCABULARY.has(word) || isEnglish(word)) return undefined;
  const near = nearest(word);
  const first = near.toSorted((a, b) => b.length - a.length)[0];
  if (first === undefined) return undefined;
  const meaning = LEXICON.get(first);
  const agree = near.every((each) => each === first || (meaning !== undefined && same(each, first)));
  return agree ? first : undefined;
}

/** Words of the vocabulary one edit away, in a stable order. */
export function nearest(word: string): string[] {
  if (word.length < LETTERS_MIN || word.length > LETTERS_MAX) return [];
  const found = new Set(variants(word).flatMap((variant) => INDEX.get(variant) ?? []));
  return [...found].filter((each) => each.length >= LETTERS_MIN - 1 && oneEdit(word, each)).sort();
}

function isEnglish(word: string): boolean {
  return ENGLISH.has(word) || ENGLISH.has(word.replace(/s$/, ""));
}

/** "ball" and "balls", or two names of one thing, are no doubt. */
function same(one: string, other: string): boolean {
  const [first, second] = [LEXICON.get(one), LEXICON.get(other)];
  if (first?.kind === "noun" && second?.kind === "noun") return first.concept === second.concept;
  return one === `${other}s` || other === `${one}s` || JSON.stringify(first) === JSON.stringify(second);
}

function index(): Map<string, string[]> {
  const entries = new Map<string, string[]>();
  for (const word of new Set([...TELLING, ...NUMBER_WORDS, ...UNIT_WORDS])) {
    if (word.length < LETTERS_MIN - 1 || word.length > LETTERS_MAX) continue;
    for (const variant of new Set(variants(word))) entries.set(variant, [...(entries.get(variant) ?? []), word]);
  }
  return entries;
}

function variants(word: string): string[] {
  return [word, ...Array.from(word, (_, at) => word.slice(0, at) + word.slice(at + 1))];
}

function oneEdit(one: string, other: string): boolean {
  const [short, long] = one.length <= other.length ? [one, other] : [other, one];
  let at = 0;
  while (at < short.length && short[at] === long[at]) at++;
  if (long.length === short.length + 1) return short.slice(at) === long.slice(at + 1);
  if (long.length !== short.length || at === short.length) return false;
  if (short.slice(at + 1) === long.slice(at + 1)) return true;
  return short[at] === long[at + 1] && short[at + 1] === long[at] && short.slice(at + 2) === long.slice(at + 2);
}
