import { nearest } from "./spelling.ts";
import type { Token } from "./tokens.ts";

/** Prompts that show what can be asked for, by the words that call for them. */
const EXAMPLES: [words: string, prompt: string][] = [
  [
    "pendulum swing string rope clock oscillate time",
    "three pendulums, 50 cm long, swinging from 30 degrees on the Moon",
  ],
  ["double chaos chaotic random", "a double pendulum with 4 links of 30 cm"],
  ["balance cart pole stick control stand", "balance a 1 m pole on a cart"],
  ["arm robot machine factory grab pick hand", "a robot arm with 3 links holding a 2 kg payload"],
  ["newton cradle momentum energy collision click", "a Newton's cradle with 7 balls, 2 lifted"],
  ["tower stack box wall build house building brick bricks castle jenga lego pyramid", "a pyramid of 15 wooden crates"],
  ["domino dominoes chain reaction push topple", "a curved row of 40 dominoes"],
  ["ramp hill slope slide ski roll mountain sledge skate", "a 2 kg steel ball on a 30 degree wooden ramp, 3 m long"],
  ["bounce bouncing ball trampoline basketball jump", "five rubber balls bouncing from 2 m"],
  ["spring mass oscillation slinky stretch elastic vibrate bungee", "a 2 kg mass on a spring of 100 N/m"],
  ["pulley atwood lift hoist elevator weight rope", "a pulley with a 2 kg and a 3 kg weight"],
  ["car drive wheels vehicle road truck train bus bike motorcycle race", "a red car driving at 2 m/s"],
  ["walk spider insect robot legs animal dog cat horse monkey creature person human", "a big six-legged walking robot"],
  [
    "throw cannon shoot fly projectile rocket bird plane arrow launch gun bullet golf",
    "a ball thrown at 10 m/s, 45 degrees, on Mars",
  ],
  ["seesaw balance playground lever kids children", "a seesaw with a 3 kg and a 5 kg box"],
  ["chain rope bridge cable snake necklace hang", "a 2 m chain of 20 links hanging from both ends"],
  ["top spin gyroscope rotate turn wheel planet earth", "a spinning top at 600 rpm"],
  ["wrecking crane smash destroy demolish break explode crash", "a 50 kg wrecking ball hitting 30 boxes"],
  [
    "drop fall pile things objects stones rain rock water sand",
    "two red boxes and three blue steel balls dropped from 3 m",
  ],
];

/** What to suggest when no word says anything: a bit of everything. */
const VARIED = [0, 4, 7, 18] as const;
const SUGGESTIONS_MAX = 5;
const SUGGESTIONS_MIN = 3;

/** Three to five prompts that work, those nearest to the words of `tokens` first. */
export function suggest(tokens: readonly Token[]): string[] {
  const words = new Set(
    tokens.flatMap((token) =>
      token.kind === "word" ? [token.text, singular(token.text), ...nearest(token.text)] : [],
    ),
  );
  const scored = EXAMPLES.map(([about, prompt], index) => ({
    prompt,
    index,
    score: about.split(" ").filter((word) => words.has(word)).length,
  }));
  const near = scored
    .filter((each) => each.score > 0)
    .sort((a, b) => b.score - a.score || a.index - b.index)
    .map((each) => each.prompt)
    .slice(0, SUGGESTIONS_MAX);
  const varied = VARIED.flatMap((index) => EXAMPLES[index]?.[1] ?? []).filter((prompt) => !near.includes(prompt));
  return [...near, ...varied].slice(0, Math.max(SUGGESTIONS_MIN, near.length === 0 ? VARIED.length : near.length));
}

function singular(word: string): string {
  return word.replace(/s$/, "");
}
