import { longHex } from "./color.ts";
import { LEXICON, type Meaning, PHRASE_WORDS_MAX } from "./lexicon.ts";
import { type Amount, type Quantity, readAmount, readQuantity } from "./quantity.ts";
import { correct } from "./spelling.ts";
import type { Token } from "./tokens.ts";

/** Tokens `from` to `to` (exclusive) and what they mean together. */
export type Mention = { from: number; to: number; text: string } & (
  | Meaning
  | { kind: "quantity"; quantity: Quantity }
  | { kind: "amount"; amount: Amount }
  | { kind: "unknown" }
);

/** Cuts a prompt into mentions, the longest phrase first; misspelt words are corrected and told. */
export function readMentions(tokens: readonly Token[]): { mentions: Mention[]; corrections: string[] } {
  const corrections = new Set<string>();
  const spelt = tokens.map((token): Token => {
    const word = token.kind === "word" ? correct(token.text) : undefined;
    if (word === undefined) return token;
    corrections.add(`read "${token.text}" as "${word}"`);
    return { ...token, kind: "word", text: word };
  });
  const mentions: Mention[] = [];
  for (let at = 0; at < spelt.length; ) {
    const mention = readMention(spelt, at);
    mentions.push(mention);
    at = mention.to;
  }
  return { mentions, corrections: [...corrections] };
}

function readMention(tokens: readonly Token[], from: number): Mention {
  const phrase = longestPhrase(tokens, from);
  if (phrase && phrase.words > 1) return phrase.mention;
  const text = tokens[from]?.text ?? "";
  const quantity = readQuantity(tokens, from);
  // "a newton's cradle" is no force.
  const named = (longestPhrase(tokens, from + 1)?.words ?? 0) > 1;
  if (quantity && !named) return { kind: "quantity", quantity, from, to: quantity.end, text };
  const amount = readAmount(tokens, from);
  if (amount) return { kind: "amount", amount, from, to: amount.end, text };
  if (phrase) return phrase.mention;
  if (tokens[from]?.kind === "color")
    return { kind: "trait", trait: { key: "color", value: longHex(text) }, from, to: from + 1, text };
  if (tokens[from]?.kind === "mark") return { kind: "stop", from, to: from + 1, text };
  return { kind: "unknown", from, to: from + 1, text };
}

function longestPhrase(tokens: readonly Token[], from: number): { mention: Mention; words: number } | undefined {
  let best: { mention: Mention; words: number } | undefined;
  let text = "";
  for (let to = from, words = 1; words <= PHRASE_WORDS_MAX; words++) {
    if (words > 1 && tokens[to]?.kind === "mark" && tokens[to]?.text === "-") to++;
    const token = tokens[to];
    if (!token || (words > 1 && token.kind === "mark")) break;
    text = words === 1 ? token.text : `${text} ${token.text}`;
    to++;
    const meaning = LEXICON.get(text);
    if (meaning) best = { mention: { ...meaning, from, to, text }, words };
  }
  return best;
}
