import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

/**
 * The tables' history: add a step at the end, never change one that has been released. Every step works on Postgres and
 * on the embedded PGlite, and beside servers of the version before it: a column is added by one version, filled and read by
 * the next, and dropped by the one after that.
 */
export const MIGRATIONS: Record<string, Migration> = {
  "001_simulations": {
    async up(database: Kysely<unknown>) {
      await database.schema
        .createTable("simulations")
        .addColumn("id", "text", (column) => column.primaryKey())
        .addColumn("owner", "text", (column) => column.notNull())
        .addColumn("name", "text", (column) => column.notNull())
        .addColumn("planner", "text", (column) => column.notNull())
        .addColumn("prompt", "text")
        .addColumn("scene", "jsonb", (column) => column.notNull())
        .addColumn("understood", "jsonb", (column) => column.notNull())
        .addColumn("warnings", "jsonb", (column) => column.notNull())
        .addColumn("created_at", "timestamptz", (column) => column.notNull().defaultTo(sql`now()`))
        .execute();
      await database.schema
        .createIndex("simulations_by_owner")
        .on("simulations")
        .columns(["owner", "created_at desc", "id"])
        .execute();
    },
    async down(database: Kysely<unknown>) {
      await database.schema.dropTable("simulations").execute();
    },
  },
  "002_plans": {
    async up(database: Kysely<unknown>) {
      await database.schema.alterTable("simulations").addColumn("model", "text").execute();
      await database.schema
        .createTable("plans")
        .addColumn("key", "text", (column) => column.primaryKey())
        .addColumn("model", "text", (column) => column.notNull())
        .addColumn("scene", "jsonb", (column) => column.notNull())
        .addColumn("created_at", "timestamptz", (column) => column.notNull())
        .execute();
      await database.schema.createIndex("plans_by_age").on("plans").column("created_at").execute();
    },
    async down(database: Kysely<unknown>) {
      await database.schema.dropTable("plans").execute();
      await database.schema.alterTable("simulations").dropColumn("model").execute();
    },
  },
};
