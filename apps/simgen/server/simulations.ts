import { randomBytes } from "node:crypto";
import { z } from "zod";
import type { AnalysisInput, Sketch } from "../cv/analysis.ts";
import { formByField, jsonSchemaOf, SKETCH_FORMS } from "../cv/sketch-body.ts";
import { Problem } from "../service/problem.ts";
import { formatIssue } from "../sim/issue.ts";
import type { Pool, Trial } from "../sim/pool.ts";
import { SceneError, sceneSchema } from "../sim/scene.ts";
import { TEMPLATES, templateById } from "../sim/templates/index.ts";
import { buildTemplate } from "../sim/templates/template.ts";
import type { LiveRuns } from "./live-runs.ts";
import type { ProgressMessage, SimulationView } from "./messages.ts";
import { pictureSchema, sketchPictureSchema } from "./picture.ts";
import type { Planned, PromptPlanner, TellProgress } from "./prompt-planner.ts";
import type { SimulationStore, StoredSimulation } from "./simulation-store.ts";
import type { SketchReader } from "./sketch-reader.ts";

const SIMULATIONS_PER_OWNER_MAX = 200;
const ID_BYTES = 12;
const PROGRESS_MS = 250;

const sketchSchema = formByField<Sketch>({
  ...SKETCH_FORMS,
  picture: z.strictObject({ picture: sketchPictureSchema }).transform(({ picture }) => ({ image: picture })),
}).meta({
  description: "Pen strokes, an image, or what was seen in a sketch, perhaps put right by hand",
  anyOf: [...Object.values(SKETCH_FORMS), z.strictObject({ picture: sketchPictureSchema })].map((form) =>
    jsonSchemaOf(form),
  ),
});

/** What a simulation can be made from: exactly one of prompt, template, scene and sketch; a prompt may refine a sketch. */
export const createSchema = z
  .strictObject({
    prompt: z
      .string()
      .trim()
      .min(1)
      .max(2000)
      .exactOptional()
      .meta({ description: "A sentence, such as: three red pendulums of 50 cm" }),
    picture: pictureSchema.exactOptional().meta({ description: "Beside a prompt, for a language model to look at" }),
    session: z
      .string()
      .max(64)
      .exactOptional()
      .meta({ description: "The caller's session at /ws: is told how far it has got" }),
    template: z.string().min(1).max(64).exactOptional(),
    params: z.record(z.string(), z.unknown()).exactOptional().meta({ description: "Of the template" }),
    scene: sceneSchema.exactOptional(),
    sketch: sketchSchema.exactOptional(),
  })
  .refine(
    ({ prompt, template, scene, sketch }) =>
      [template, scene, sketch ?? prompt].filter((each) => each !== undefined).length === 1,
    "exactly one of prompt, template, scene and sketch; a prompt may stand beside a sketch",
  )
  .refine((body) => body.params === undefined || body.template !== undefined, {
    path: ["params"],
    message: "params only beside a template",
  })
  .refine((body) => body.picture === undefined || (body.prompt !== undefined && body.sketch === undefined), {
    path: ["picture"],
    message: "a picture only beside a prompt; a sketch has its own",
  });
export type CreateRequest = z.output<typeof createSchema>;

export interface SimulationServices {
  store: SimulationStore;
  pool: Pool;
  runs: LiveRuns;
  planner: PromptPlanner;
  sketches: Pick<SketchReader, "read">;
  /** Tells an owner's session, if it is one. */
  tell(owner: string, session: string, progress: ProgressMessage): void;
}

/** Makes, lists and deletes people's simulations. */
export class Simulations {
  readonly #services: SimulationServices;

  constructor(services: SimulationServices) {
    this.#services = services;
  }

  /** Plans the scene, tries it out and keeps it. Throws `Problem` and `PoolError`, and the signal's reason. */
  async create(owner: string, request: CreateRequest, signal: AbortSignal): Promise<StoredSimulation> {
    const { store, pool, runs } = this.#services;
    if ((await store.count(owner)) >= SIMULATIONS_PER_OWNER_MAX)
      throw new Problem("simulations_too_many", `expected at most ${SIMULATIONS_PER_OWNER_MAX}: delete some first`);
    const tell = this.#progressOf(owner, request.session);
    const { trial: tried, ...planned } = await this.#plan(request, signal, tell);
    if (!tried) tell({ stage: "compiling", planner: planned.model ?? planned.planner });
    const trial = tried ?? (await pool.try(planned.scene));
    signal.throwIfAborted();
    const simulation = await store.add({
      ...planned,
      id: randomBytes(ID_BYTES).toString("base64url"),
      owner,
      name: planned.scene.name,
      prompt: request.prompt ?? null,
    });
    runs.remember(simulation.id, trial);
    tell({ stage: "running", planner: planned.model ?? planned.planner });
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

  async #plan(request: CreateRequest, signal: AbortSignal, tell: TellProgress): Promise<Planned> {
    const { prompt, picture, template, params, scene, sketch } = request;
    if (scene !== undefined) return { scene, planner: "scene", model: null, understood: [], warnings: [] };
    if (template !== undefined) return planTemplate(template, params);
    if (sketch !== undefined)
      return this.#planSketch({ ...sketch, ...(prompt === undefined ? {} : { prompt }) }, signal, tell);
    if (prompt !== undefined) return this.#services.planner.plan(prompt, picture, signal, tell);
    throw new Problem("request_invalid", "expected a prompt, a template, a scene or a sketch");
  }

  async #planSketch(sketch: AnalysisInput, signal: AbortSignal, tell: TellProgress): Promise<Planned> {
    tell({ stage: "planning", planner: "cv" });
    const { scene, understood, warnings } = await this.#services.sketches.read(sketch, signal);
    if (!scene) throw new Problem("sketch_not_understood", warnings.join("; "));
    return { scene, planner: "cv", model: null, understood, warnings };
  }

  /** An answer that grows is told of now and then only; every change of stage is. */
  #progressOf(owner: string, session: string | undefined): TellProgress {
    if (session === undefined) return () => {};
    let last = "";
    let lastMs = Number.NEGATIVE_INFINITY;
    return (progress) => {
      const stage = `${progress.stage} ${progress.planner}`;
      const now = performance.now();
      if (stage === last && now - lastMs < PROGRESS_MS) return;
      [last, lastMs] = [stage, now];
      this.#services.tell(owner, session, { type: "progress", ...progress });
    };
  }
}

function planTemplate(id: string, params: unknown = {}): Planned {
  const template = templateById(id);
  if (!template)
    throw new Problem("template_unknown", `expected one of ${TEMPLATES.map((each) => each.id).join(", ")}, got ${id}`);
  try {
    const scene = buildTemplate(template, params);
    return { scene, planner: "template", model: null, understood: [template.title], warnings: [] };
  } catch (error) {
    if (!(error instanceof SceneError)) throw error;
    const issues = error.issues.map((issue) => ({ ...issue, path: `params.${issue.path}` }));
    throw new Problem("request_invalid", issues.map(formatIssue).join("; "), { issues });
  }
}

function trialWarnings({ speed, warning }: Trial): string[] {
  const slow = speed < 0.95 ? [`this scene is heavy: it runs at about ${Math.round(speed * 100)} % of real time`] : [];
  return warning === undefined ? slow : [...slow, warning];
}
