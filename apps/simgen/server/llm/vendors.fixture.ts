/** How a server under test is told of the stand-in for LLM vendors, and what a good answer of a model is. */
import type { LlmStub, WireName } from "../llm-stub.fixture.ts";
import type { Server } from "../server.fixture.ts";

export const API_KEY = "sk-hush-hush";
/** As SimGen names them. */
export const MODELS: Record<WireName, string> = { anthropic: "anthropic/claude-stub", openai: "127.0.0.1/llama-stub" };

export function vendorEnv(stub: LlmStub, wires: readonly WireName[]): Record<string, string> {
  return {
    SIM_WORKERS: "1",
    ...(wires.includes("anthropic") && {
      ANTHROPIC_API_KEY: API_KEY,
      ANTHROPIC_BASE_URL: stub.url,
      ANTHROPIC_MODEL: "claude-stub",
    }),
    ...(wires.includes("openai") && {
      LLM_API_KEY: API_KEY,
      LLM_BASE_URL: `${stub.url}/v1`,
      LLM_MODEL: "llama-stub",
    }),
  };
}

/** A scene as a model would give it. */
export function sceneText(name = "Ball of a model"): string {
  return JSON.stringify({
    name,
    bodies: [
      { id: "ground", pos: [0, 0, 0], geoms: [{ type: "plane", size: [5, 5] }] },
      {
        id: "ball",
        pos: [0, 0, 1],
        joints: [{ id: "ball", type: "free" }],
        geoms: [{ type: "sphere", size: [0.1] }],
      },
    ],
  });
}

let prompts = 0;

/** A prompt that nobody has planned yet, and that rules understand. */
export function newPrompt(): string {
  return `a pendulum of ${100 + prompts++} cm`;
}

/** What a server has logged with this message. */
export function logged(server: Server, message: string): Record<string, unknown>[] {
  return server
    .output()
    .split("\n")
    .filter((line) => line.startsWith("{") && line.endsWith("}"))
    .map((line) => JSON.parse(line))
    .filter(({ msg }) => msg === message);
}
