import { sql } from "kysely";
import { DEFAULT_MIGRATION_TABLE } from "kysely/migration";
import { z } from "zod";
import type { Database } from "../database.ts";

/** What is in a database, by which two of them are compared. */
export const contents = z.object({
  /** By schema and name. A hash does not depend on the order of the rows. */
  tables: z.record(z.string(), z.object({ rows: z.int().min(0), hash: z.string() })),
  migrations: z.array(z.string()),
  /** Version of Postgres. */
  postgres: z.string(),
});

export type Contents = z.output<typeof contents>;

/** Whole statements run on the event loop, so each looks at a part of a table: pages of 8 KiB, and what their rows keep elsewhere. */
const PAGES_AT_ONCE = 16;

/**
 * The rows of every table and a hash of them: the sum of 60 bits of each row's MD5, as the scripts in `recovery` make it. It is
 * there against mishaps, not against people. Nobody else may write meanwhile.
 */
export function contentsOf(database: Database): Promise<Contents> {
  return database.transaction().execute(readContents);
}

async function readContents(database: Database): Promise<Contents> {
  // A time's text is the same everywhere.
  await sql`set local timezone to 'UTC'`.execute(database);
  await sql`set local datestyle to 'ISO, MDY'`.execute(database);
  const tables: Contents["tables"] = {};
  for (const { schema, name, pages } of await tablesOf(database)) {
    let rows = 0;
    let hash = 0n;
    for (let page = 0; page < pages; page += PAGES_AT_ONCE) {
      const part = await partOf(database, sql.table(`${schema}.${name}`), page);
      rows += Number(part.rows);
      hash += BigInt(part.hash);
      await new Promise((resolve) => setImmediate(resolve));
    }
    tables[`${schema}.${name}`] = { rows, hash: String(hash) };
  }
  return { tables, migrations: await migrationsOf(database, tables), postgres: await versionOf(database) };
}

/** What two of them say differently, a line each; migrations are rows of a table, too. */
export function differences(found: Contents, expected: Contents): string[] {
  const names = new Set([...Object.keys(expected.tables), ...Object.keys(found.tables)]);
  return [...names].sort().flatMap((name) => {
    const [there, then] = [found.tables[name], expected.tables[name]];
    if (then === undefined) return [`${name} was not there`];
    if (there === undefined) return [`${name} is missing`];
    if (there.rows !== then.rows) return [`${name} has ${there.rows} rows, expected ${then.rows}`];
    return there.hash === then.hash ? [] : [`${name} has other contents`];
  });
}

async function tablesOf(database: Database) {
  const { rows } = await sql<{ schema: string; name: string; pages: number }>`
    select nspname as schema, relname as name,
      (pg_relation_size(pg_class.oid) / current_setting('block_size')::int)::int as pages
    from pg_class join pg_namespace on pg_namespace.oid = relnamespace
    where relkind = 'r' and relpersistence = 'p' and nspname !~ '^pg_' and nspname <> 'information_schema'
    order by 1, 2`.execute(database);
  return rows;
}

async function partOf(database: Database, table: ReturnType<typeof sql.table>, page: number) {
  const { rows } = await sql<{ rows: string | number; hash: string }>`
    select count(*) as rows, coalesce(sum(('x' || left(md5(t::text), 15))::bit(60)::bigint), 0)::text as hash
    from ${table} as t
    where ctid >= ${`(${page},0)`}::tid and ctid < ${`(${page + PAGES_AT_ONCE},0)`}::tid`.execute(database);
  return rows[0] ?? { rows: 0, hash: "0" };
}

async function migrationsOf(database: Database, tables: Contents["tables"]): Promise<string[]> {
  if (!(`public.${DEFAULT_MIGRATION_TABLE}` in tables)) return [];
  const { rows } = await sql<{ name: string }>`
    select name from ${sql.table(DEFAULT_MIGRATION_TABLE)} order by name`.execute(database);
  return rows.map(({ name }) => name);
}

async function versionOf(database: Database): Promise<string> {
  const { rows } = await sql<{ server_version: string }>`show server_version`.execute(database);
  return rows[0]?.server_version ?? "unknown";
}
