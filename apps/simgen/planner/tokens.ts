/** A piece of a prompt; `start` and `end` are offsets into the normalised text. */
export type Token = { text: string; start: number; end: number } & (
  | { kind: "word" }
  | { kind: "number"; value: number; fraction: boolean }
  | { kind: "color" }
  | { kind: "mark" }
);

const COLOR = /#(?:[0-9a-f]{6}|[0-9a-f]{3})(?![\p{L}\p{N}])/uy;
const FRACTION = /(\d{1,6})\/(\d{1,6})(?![\d/.])/y;
const THOUSANDS = /\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)/y;
const DECIMAL = /\d+(?:[.,]\d+)?(?:e[+-]?\d{1,2}(?![\p{L}\p{N}]))?|\.\d+/uy;
const WORD = /\p{L}[\p{L}\p{M}\p{N}']*/uy;
const SPACE = /[\s\p{C}]+/uy;

/**
 * Splits a prompt into lower-case words, numbers, #rrggbb colours and single marks, in linear time. Apostrophes are
 * dropped, with a possessive s ("newton's" is `newton`, "doesn't" is `doesnt`); a minus belongs to a number only where it cannot be a hyphen.
 */
export function tokenize(prompt: string): { text: string; tokens: Token[] } {
  const text = normalize(prompt);
  const tokens: Token[] = [];
  let quoted = false;
  for (let at = 0; at < text.length; ) {
    const space = match(SPACE, text, at);
    if (space) {
      at += space.length;
      continue;
    }
    // After a number it is inches, unless it closes a quotation.
    if (text[at] === '"' && (quoted || tokens.at(-1)?.kind !== "number" || tokens.at(-1)?.end !== at)) {
      quoted = !quoted;
      at++;
      continue;
    }
    const token = signed(text, at) ?? unsigned(text, at);
    tokens.push(token);
    at = token.end;
  }
  return { text, tokens };
}

/** One spelling for what looks alike: fractions, primes, minus signs, superscripts, quotes, multiplication signs. */
function normalize(prompt: string): string {
  return prompt
    .replace(/[¼-¾⅐-⅞]/g, (sign) => ` ${sign.normalize("NFKC").replace("\u2044", "/")}`)
    .replaceAll("º", "°")
    .normalize("NFKC")
    .replace(/[‘’′]/g, "'")
    .replaceAll("″", '"')
    .replace(/[“”«»„]/g, " ")
    .replace(/[−–‐‑]/g, "-")
    .replace(/—/g, " , ")
    .replaceAll("×", " x ")
    .toLowerCase();
}

function signed(text: string, at: number): Token | undefined {
  const sign = text[at];
  if ((sign !== "-" && sign !== "+") || (at > 0 && !/[\s([{=:,;]/.test(text[at - 1] ?? ""))) return undefined;
  const number = numberAt(text, at + 1);
  if (number?.kind !== "number") return undefined;
  return { ...number, text: text.slice(at, number.end), start: at, value: sign === "-" ? -number.value : number.value };
}

function unsigned(text: string, at: number): Token {
  const color = match(COLOR, text, at);
  if (color) return { kind: "color", text: color, start: at, end: at + color.length };
  const number = numberAt(text, at);
  if (number) return number;
  const word = match(WORD, text, at);
  if (word)
    return { kind: "word", text: word.replace(/'s?$/, "").replaceAll("'", ""), start: at, end: at + word.length };
  const mark = String.fromCodePoint(text.codePointAt(at) ?? 0);
  return { kind: "mark", text: mark, start: at, end: at + mark.length };
}

function numberAt(text: string, at: number): Token | undefined {
  const fraction = match(FRACTION, text, at);
  if (fraction) {
    const [over, under] = fraction.split("/").map(Number) as [number, number];
    return number(fraction, at, over / under, true);
  }
  const thousands = match(THOUSANDS, text, at);
  if (thousands) return number(thousands, at, Number(thousands.replaceAll(",", "")), false);
  const decimal = match(DECIMAL, text, at);
  return decimal ? number(decimal, at, Number(decimal.replace(",", ".")), false) : undefined;
}

/** A number too large to hold, or divided by zero, is only a word. */
function number(text: string, start: number, value: number, fraction: boolean): Token {
  const end = start + text.length;
  return Number.isFinite(value)
    ? { kind: "number", text, start, end, value, fraction }
    : { kind: "word", text, start, end };
}

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}
