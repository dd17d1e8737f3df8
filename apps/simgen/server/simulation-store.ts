import { parseScene, type Scene } from "../sim/scene.ts";
import type { Database } from "./database.ts";
import type { Planner, SimulationView } from "./messages.ts";

export interface StoredSimulation extends SimulationView {
  scene: Scene;
}

export interface NewSimulation {
  id: string;
  owner: string;
  name: string;
  planner: Planner;
  model: string | null;
  prompt: string | null;
  scene: Scene;
  understood: string[];
  warnings: string[];
}

const VIEW_COLUMNS = ["id", "name", "planner", "model", "prompt", "understood", "warnings", "created_at"] as const;

/** The simulations people own, in Postgres. Another owner's are as good as not there. */
export class SimulationStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async add(simulation: NewSimulation): Promise<StoredSimulation> {
    const createdAt = new Date().toISOString();
    await this.#database
      .insertInto("simulations")
      .values({
        id: simulation.id,
        owner: simulation.owner,
        name: simulation.name,
        planner: simulation.planner,
        model: simulation.model,
        prompt: simulation.prompt,
        scene: JSON.stringify(simulation.scene),
        understood: JSON.stringify(simulation.understood),
        warnings: JSON.stringify(simulation.warnings),
        created_at: createdAt,
      })
      .execute();
    const { owner: _, ...stored } = simulation;
    return { ...stored, createdAt };
  }

  async get(owner: string, id: string): Promise<StoredSimulation | undefined> {
    const row = await this.#database
      .selectFrom("simulations")
      .select([...VIEW_COLUMNS, "scene"])
      .where("owner", "=", owner)
      .where("id", "=", id)
      .executeTakeFirst();
    return row && { ...viewOf(row), scene: parseScene(row.scene) };
  }

  /** Newest first; `before` is the id of the last one already seen. */
  async list(owner: string, limit: number, before?: string): Promise<SimulationView[]> {
    let query = this.#database.selectFrom("simulations").select(VIEW_COLUMNS).where("owner", "=", owner);
    if (before !== undefined)
      query = query.where(({ eb, refTuple, selectFrom }) =>
        eb(
          refTuple("created_at", "id"),
          "<",
          selectFrom("simulations as last")
            .select(["last.created_at", "last.id"])
            .where("last.id", "=", before)
            .where("last.owner", "=", owner)
            .$asTuple("created_at", "id"),
        ),
      );
    const rows = await query.orderBy("created_at", "desc").orderBy("id", "desc").limit(limit).execute();
    return rows.map(viewOf);
  }

  async count(owner: string): Promise<number> {
    const row = await this.#database
      .selectFrom("simulations")
      .select(({ fn }) => fn.countAll<string | number>().as("count"))
      .where("owner", "=", owner)
      .executeTakeFirstOrThrow();
    return Number(row.count);
  }

  /** Whether there was one to delete. */
  async delete(owner: string, id: string): Promise<boolean> {
    const result = await this.#database
      .deleteFrom("simulations")
      .where("owner", "=", owner)
      .where("id", "=", id)
      .executeTakeFirst();
    return result.numDeletedRows > 0n;
  }

  /** Resolves when the database answers. */
  async ping(): Promise<void> {
    await this.#database.selectNoFrom((eb) => eb.lit(1).as("one")).execute();
  }
}

function viewOf(row: Omit<SimulationView, "createdAt"> & { created_at: Date }): SimulationView {
  const { id, name, planner, model, prompt, understood, warnings, created_at } = row;
  return { id, name, planner, model, prompt, understood, warnings, createdAt: created_at.toISOString() };
}
