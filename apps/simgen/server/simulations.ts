import { randomBytes } from "node:crypto";
import { z } from "zod";
import { formatIssue } from "../sim/issue.ts";
import type { Pool, Trial } from "../sim/pool.ts";
import { type Scene, SceneError, sceneSchema } from "../sim/scene.ts";
import { TEMPLATES, templateById } from "../sim/templates/index.ts";
import { buildTemplate } from "../sim/templates/template.ts";
import type { LiveRuns } from "./live-runs.ts";
import type { Planner, SimulationView } from "./messages.ts";
import { PromptError, planFromPrompt } from "./planner/rules.ts";
import { Problem } from "./problem.ts";
import type { SimulationStore, StoredSimulation } from "./simulation-store.ts";

const SIMULATIONS_PER_OWNER_MAX = 200;
const ID_BYTES = 12;

/** What a simulation can be made from: exactly one of prompt, template, scene and sketch. */
export const createSchema = z
  .strictObject({
    prompt: z
      .string()
      .trim()
      .min(1)
      .max(2000)
      .exactOptional()
      .meta({ description: "A sentence, such as: three red pendulums of 50 cm" }),
    template: z.string().min(1).max(64).exactOptional(),
    params: z.record(z.string(), z.unknown()).exactOptional().meta({ description: "Of the template" }),
    scene: sceneSchema.exactOptional(),
    sketch: z.unknown().exactOptional(),
  })
  .refine(
    (body) => [body.prompt, body.template, body.scene, body.sketch].filter((each) => each !== undefined).length === 1,
    "exactly one of prompt, template, scene and sketch",
  )
  .refine((body) => body.params === undefined || body.template !== undefined, {
    path: ["params"],
    message: "params only beside a template",
  });
export type CreateRequest = z.output<typeof createSchema>;

interface Planned {
  scene: Scene;
  planner: Planner;
  understood: string[];
  warnings: string[];
}

export interface SimulationServices {
  store: SimulationStore;
  pool: Pool;
  runs: LiveRuns;
}

/** Makes, lists and deletes people's simulations. */
export class Simulations {
  readonly #services: SimulationServices;

  constructor(services: SimulationServices) {
    this.#services = services;
  }

  /** Plans the scene, tries it out and keeps it. Throws `Problem` and `PoolError`. */
  async create(owner: string, request: CreateRequest): Promise<StoredSimulation> {
    const { store, pool, runs } = this.#services;
    if ((await store.count(owner)) >= SIMULATIONS_PER_OWNER_MAX)
      throw new Problem("simulations_too_many", `expected at most ${SIMULATIONS_PER_OWNER_MAX}: delete some first`);
    const planned = plan(request);
    const trial = await pool.try(planned.scene);
    const simulation = await store.add({
      ...planned,
      id: randomBytes(ID_BYTES).toString("base64url"),
      owner,
      name: planned.scene.name,
      prompt: request.prompt ?? null,
    });
    runs.remember(simulation.id, trial);
    // Not stored: how fast a scene runs depends on the machine that runs it.
    return { ...simulation, warnings: [...simulation.warnings, ...trialWarnings(trial)] };
  }

  /** Throws `Problem` "simulation_not_found". */
  async get(owner: string, id: string): Promise<StoredSimulation> {
    const simulation = await this.#services.store.get(owner, id);
    if (!simulation) throw new Problem("simulation_not_found", `you have no simulation ${id}`);
    return simulation;
  }

  /** Newest first; `next` is what to ask for `before` to see more. */
  async list(
    owner: string,
    limit: number,
    before?: string,
  ): Promise<{ simulations: SimulationView[]; next: string | null }> {
    const rows = await this.#services.store.list(owner, limit + 1, before);
    const simulations = rows.slice(0, limit);
    return { simulations, next: rows.length > limit ? (simulations.at(-1)?.id ?? null) : null };
  }

  /** Throws `Problem` "simulation_not_found". */
  async delete(owner: string, id: string): Promise<void> {
    const { store, runs } = this.#services;
    if (!(await store.delete(owner, id))) throw new Problem("simulation_not_found", `you have no simulation ${id}`);
    runs.stop(id, "it was deleted");
  }
}

function plan(request: CreateRequest): Planned {
  if (request.scene !== undefined) return { scene: request.scene, planner: "scene", understood: [], warnings: [] };
  if (request.template !== undefined) return planTemplate(request.template, request.params);
  if (request.prompt !== undefined) return planPrompt(request.prompt);
  throw new Problem("sketch_unavailable", "expected a prompt, a template or a scene");
}

function planTemplate(id: string, params: unknown = {}): Planned {
  const template = templateById(id);
  if (!template)
    throw new Problem("template_unknown", `expected one of ${TEMPLATES.map((each) => each.id).join(", ")}, got ${id}`);
  try {
    return { scene: buildTemplate(template, params), planner: "template", understood: [template.title], warnings: [] };
  } catch (error) {
    if (!(error instanceof SceneError)) throw error;
    const issues = error.issues.map((issue) => ({ ...issue, path: `params.${issue.path}` }));
    throw new Problem("request_invalid", issues.map(formatIssue).join("; "), { issues });
  }
}

function planPrompt(prompt: string): Planned {
  try {
    return { ...planFromPrompt(prompt), planner: "rules" };
  } catch (error) {
    if (!(error instanceof PromptError)) throw error;
    throw new Problem("prompt_not_understood", error.message, { suggestions: error.suggestions });
  }
}

function trialWarnings({ speed, warning }: Trial): string[] {
  const slow = speed < 0.95 ? [`this scene is heavy: it runs at about ${Math.round(speed * 100)} % of real time`] : [];
  return warning === undefined ? slow : [...slow, warning];
}
