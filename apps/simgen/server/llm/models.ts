import type { LanguageModel } from "ai";

/** Which language models there are, in the order in which they are asked. */
export interface LlmConfig {
  anthropic: { apiKey: string; baseUrl: string | undefined; model: string } | undefined;
  /** Any endpoint that speaks OpenAI's chat completions: Ollama, vLLM, OpenRouter and many more. */
  compatible: { baseUrl: string; apiKey: string | undefined; model: string } | undefined;
}

export interface NamedModel {
  /** "anthropic/claude-…", as people and metrics read it. */
  name: string;
  model: LanguageModel;
  /** To be kept out of logs and answers. */
  apiKey: string | undefined;
}

/** Loads what is needed for those there are, and nothing else. */
export async function modelsOf({ anthropic, compatible }: LlmConfig): Promise<NamedModel[]> {
  const models: NamedModel[] = [];
  if (anthropic) {
    const { apiKey, baseUrl, model } = anthropic;
    // The SDK reads this itself as it is loaded, and an empty one ends the process.
    if (process.env.ANTHROPIC_BASE_URL === "") delete process.env.ANTHROPIC_BASE_URL;
    const { createAnthropic } = await import("@ai-sdk/anthropic");
    const provider = createAnthropic({ apiKey, ...(baseUrl === undefined ? {} : { baseURL: withVersion(baseUrl) }) });
    models.push({ name: `anthropic/${model}`, model: provider(model), apiKey });
  }
  if (compatible) {
    const { baseUrl, apiKey, model } = compatible;
    const name = new URL(baseUrl).hostname;
    const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
    const provider = createOpenAICompatible({ name, baseURL: baseUrl, ...(apiKey === undefined ? {} : { apiKey }) });
    models.push({ name: `${name}/${model}`, model: provider(model), apiKey });
  }
  return models;
}

/** Anthropic's own tools take the address without the version, this SDK with it. */
function withVersion(baseUrl: string): string {
  const url = baseUrl.replace(/\/+$/, "");
  return /\/v\d+$/.test(url) ? url : `${url}/v1`;
}
