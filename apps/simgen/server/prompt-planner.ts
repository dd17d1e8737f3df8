import { BreakerError } from "@holdfast/breaker";
import { PromptError, planFromPrompt } from "../planner/rules.ts";
import { Problem } from "../service/problem.ts";
import type { Trial } from "../sim/pool.ts";
import type { Scene } from "../sim/scene.ts";
import { BadAnswer } from "./llm/answer.ts";
import { type LlmPlan, type LlmPlanner, type PlanStep, whyNot } from "./llm/llm-planner.ts";
import type { Planner, ProgressMessage } from "./messages.ts";
import { owners } from "./owner.ts";
import type { Picture } from "./picture.ts";
import type { PlanCache, PlanKey } from "./plan-cache.ts";

/** A scene, and who made it. */
export interface Planned {
  scene: Scene;
  planner: Planner;
  /** Of a language model: "anthropic/claude-…". */
  model: string | null;
  understood: string[];
  warnings: string[];
  /** If it has been tried out already. */
  trial?: Trial;
}

export type TellProgress = (progress: Omit<ProgressMessage, "type">) => void;

export interface PromptPlannerServices {
  /** In the order in which they are asked. */
  llms: readonly LlmPlanner[];
  cache: Pick<PlanCache, "get" | "put">;
  /** For all language models together, ms; what they have not planned then, the rules do. */
  deadlineMs: number;
  /** Told of what no person asked for and nobody is hurt by. */
  onError(error: unknown, what: string): void;
}

/** Plans a scene from a prompt: by the first language model that can, else by rules. */
export class PromptPlanner {
  readonly #services: PromptPlannerServices;

  constructor(services: PromptPlannerServices) {
    this.#services = services;
  }

  /** Rejects with `Problem` "prompt_not_understood", or the signal's reason. */
  async plan(prompt: string, picture: Picture | undefined, signal: AbortSignal, tell: TellProgress): Promise<Planned> {
    const { llms, deadlineMs } = this.#services;
    const deadline = AbortSignal.timeout(deadlineMs);
    const reasons: string[] = [];
    for (const llm of llms) {
      if (deadline.aborted) break;
      try {
        const planned = await this.#ask(llm, prompt, picture, AbortSignal.any([signal, deadline]), tell);
        return { ...planned, warnings: whyBy(llm.name, reasons) };
      } catch (error) {
        signal.throwIfAborted();
        reasons.push(deadline.aborted ? `${llm.name} took too long` : whyNot(llm.name, error));
        // That a breaker is open was logged when it opened; the metrics count both.
        const isKnown = error instanceof BreakerError && error.code !== "call_timeout";
        if (!isKnown) this.#services.onError(error, `${llm.name} made no plan`);
      }
    }
    tell({ stage: "planning", planner: "rules", chars: 0 });
    return byRules(prompt, picture !== undefined, reasons);
  }

  async #ask(
    llm: LlmPlanner,
    prompt: string,
    picture: Picture | undefined,
    signal: AbortSignal,
    tell: TellProgress,
  ): Promise<Omit<Planned, "warnings">> {
    const key = { model: llm.name, prompt, picture };
    const step = (done: PlanStep) => tell({ ...done, planner: llm.name });
    const known = await this.#known(llm, key, step);
    const plan = known ?? (await llm.plan(prompt, picture, signal, step));
    // Nobody waits for it: it is not the request's, which may be over before.
    if (!known) void owners.exit(() => this.#cached(() => this.#services.cache.put(key, plan.scene)));
    const understood = [`planned by ${llm.name}${known ? ", for the same prompt before" : ""}`];
    return { ...plan, planner: "llm", model: llm.name, understood };
  }

  /** What it planned before, if that still runs. */
  async #known(llm: LlmPlanner, key: PlanKey, step: (done: PlanStep) => void): Promise<LlmPlan | undefined> {
    const scene = await this.#cached(() => this.#services.cache.get(key));
    if (!scene) return;
    step({ stage: "compiling" });
    try {
      return { scene, trial: await llm.try(scene) };
    } catch (error) {
      if (error instanceof BadAnswer) return;
      throw error;
    }
  }

  /** Without its cache a planner is slower, and that is all. */
  async #cached<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.#services.onError(error, "the cache of plans failed");
      return undefined;
    }
  }
}

function byRules(prompt: string, hasPicture: boolean, reasons: string[]): Planned {
  try {
    const { scene, understood, warnings } = planFromPrompt(prompt);
    const blind = hasPicture ? ["the picture was not looked at: that takes a language model"] : [];
    return {
      scene,
      planner: "rules",
      model: null,
      understood,
      warnings: [...whyBy("rules", reasons), ...blind, ...warnings],
    };
  } catch (error) {
    if (!(error instanceof PromptError)) throw error;
    const detail = [error.message, ...reasons].join("; ");
    throw new Problem("prompt_not_understood", detail, { suggestions: error.suggestions });
  }
}

/** Why those who were asked before did not plan it. */
function whyBy(planner: string, reasons: string[]): string[] {
  return reasons.length > 0 ? [`planned by ${planner}: ${reasons.join("; ")}`] : [];
}
