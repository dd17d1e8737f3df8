import { formatIssue } from "../../sim/issue.ts";
import { parseScene, type Scene, SceneError } from "../../sim/scene.ts";

/** The largest scene is some 100 KB. */
export const ANSWER_CHARS_MAX = 200_000;

/** A model's answer that is no scene one can run. The message is for the model: what to mend. */
export class BadAnswer extends Error {
  override readonly name = "BadAnswer";
  /** Private, to keep it out of logs. */
  readonly #text: string;

  constructor(message: string, text: string) {
    super(message);
    this.#text = text;
  }

  /** What it said, as far as it was read. */
  get text(): string {
    return this.#text;
  }
}

/** The model will not, or says that the prompt describes nothing to simulate. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

const REASON_CHARS_MAX = 200;

/**
 * Reads a scene out of what a model said: one JSON object, perhaps with prose or a code fence around it. It is data and
 * nothing else: validated like anybody's scene. Throws `BadAnswer` and `Refusal`.
 */
export function readAnswer(text: string): Scene {
  const [from, to] = [text.indexOf("{"), text.lastIndexOf("}")];
  if (from < 0 || to < from) throw new BadAnswer("expected one JSON object, got none", text);
  let data: unknown;
  try {
    data = JSON.parse(text.slice(from, to + 1));
  } catch (error) {
    throw new BadAnswer(`expected JSON: ${error instanceof Error ? error.message : error}`, text);
  }
  if (typeof data === "object" && data !== null && "cannot" in data)
    throw new Refusal(String(data.cannot).slice(0, REASON_CHARS_MAX));
  try {
    return parseScene(data);
  } catch (error) {
    if (!(error instanceof SceneError)) throw error;
    throw new BadAnswer(error.issues.map(formatIssue).join("\n"), text);
  }
}
