import { createHash } from "node:crypto";
import { sql } from "kysely";
import { parseScene, type Scene, SceneError } from "../sim/scene.ts";
import type { Database } from "./database.ts";
import { INSTRUCTIONS_VERSION } from "./llm/instructions.ts";
import type { Picture } from "./picture.ts";

const PLANS_MAX = 10_000;
const AGE_DAYS_MAX = 30;

/** What was asked of a model. */
export interface PlanKey {
  model: string;
  prompt: string;
  picture: Picture | undefined;
}

/** What models answered before, in Postgres, for all servers: the same prompt costs a model's work once. */
export class PlanCache {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The scene, if the same was asked in the last 30 days. */
  async get(key: PlanKey): Promise<Scene | undefined> {
    const row = await this.#database
      .selectFrom("plans")
      .select("scene")
      .where("key", "=", hashOf(key))
      .where("created_at", ">", oldest())
      .executeTakeFirst();
    if (!row) return;
    try {
      return parseScene(row.scene);
    } catch (error) {
      // From another version of SimGen.
      if (error instanceof SceneError) return;
      throw error;
    }
  }

  /** Keeps it, and drops what is too old or too much. */
  async put(key: PlanKey, scene: Scene): Promise<void> {
    const row = { scene: JSON.stringify(scene), model: key.model, created_at: new Date().toISOString() };
    await this.#database
      .insertInto("plans")
      .values({ key: hashOf(key), ...row })
      .onConflict((conflict) => conflict.column("key").doUpdateSet(row))
      .execute();
    await this.#database
      .deleteFrom("plans")
      .where(({ eb, or, selectFrom }) =>
        or([
          eb("created_at", "<=", oldest()),
          eb(
            "created_at",
            "<",
            selectFrom("plans as kept")
              .select("created_at")
              .orderBy("created_at", "desc")
              .offset(PLANS_MAX - 1)
              .limit(1),
          ),
        ]),
      )
      .execute();
  }
}

function oldest() {
  return sql<Date>`now() - make_interval(days => ${sql.lit(AGE_DAYS_MAX)})`;
}

/** Spaces make no other prompt. The case of letters may: mg and Mg. */
function hashOf({ model, prompt, picture }: PlanKey): string {
  const same = prompt.trim().replaceAll(/\s+/g, " ");
  return createHash("sha256")
    .update(JSON.stringify([INSTRUCTIONS_VERSION, model, same, picture?.data ?? null]))
    .digest("base64url");
}
