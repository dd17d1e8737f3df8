import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { Resources, type Scope } from "@holdfast/resources";
import {
  type ColumnType,
  Kysely,
  PGliteDialect,
  type PostgresCursor,
  PostgresDialect,
  type PostgresPool,
  type PostgresPoolClient,
  type PostgresQueryResult,
  sql,
} from "kysely";
import { DEFAULT_MIGRATION_TABLE, type Migration, Migrator } from "kysely/migration";
import pg from "pg";
import { Problem } from "../service/problem.ts";
import { DATABASE, finishRestore } from "./backup/swap.ts";
import { takeLock } from "./lock.ts";
import type { Planner } from "./messages.ts";
import { MIGRATIONS } from "./migrations.ts";
import { owners } from "./owner.ts";

export interface Tables {
  simulations: {
    id: string;
    /** The visitor or API key it belongs to. */
    owner: string;
    name: string;
    planner: Planner;
    /** Of a language model. */
    model: string | null;
    prompt: string | null;
    /** Written as JSON text, read as data; validated by the reader. */
    scene: ColumnType<unknown, string, never>;
    understood: ColumnType<string[], string, never>;
    warnings: ColumnType<string[], string, never>;
    created_at: ColumnType<Date, string, never>;
  };
  /** What language models answered before: see plan-cache.ts. */
  plans: {
    key: string;
    model: string;
    scene: ColumnType<unknown, string, string>;
    created_at: ColumnType<Date, string, string>;
  };
}

export type Database = Kysely<Tables>;

/** The database cannot be used; the message says what to do. */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
  readonly code = "database_unusable";
}

export interface OpenDatabase {
  database: Database;
  close(): Promise<void>;
}

const CONNECTIONS_MAX = 10;
const CONNECT_TIMEOUT_MS = 5000;
/** Opening a connection costs Postgres a process and both sides a handshake, which takes seconds on a machine that is busy. */
const CONNECTION_IDLE_MS_MAX = 5 * 60_000;
const STATEMENT_MS_MAX = 10_000;
/** After that, a database that has not even said that a statement took too long is frozen, or the line to it is dead. */
const SILENCE_MS_MAX = 2_000;
const RETRY_AFTER_SECONDS = 5;
/** One that fails to open would go on saying how far it has got, for ever, and so keep the process. */
const NO_PROGRESS = ["-c", "log_startup_progress_interval=0"];
/** Connections, resources and intervention by an operator: nothing is wrong with the statement. https://www.postgresql.org/docs/18/errcodes-appendix.html */
const OUT_OF_REACH = /^(08|53|57)/;

/** Limits for `Resources`: a client that is held for so long is reported, with whose it is and where it was taken. */
export const DATABASE_CLIENTS = {
  "database client": { countMax: CONNECTIONS_MAX, queueMsMax: CONNECT_TIMEOUT_MS, leakMs: 30_000 },
};

/**
 * Opens Postgres at `url`, or the embedded one in `dataDir`, and brings its tables up to date. Throws `DatabaseError`; when
 * the database is out of reach later on, its statements reject with `Problem` "database_down".
 */
export async function openDatabase(options: {
  url: string | undefined;
  dataDir: string;
  resources?: Resources;
  /** How long a statement may take, ms; in the embedded one, as long as it does. */
  statementMsMax?: number;
}): Promise<OpenDatabase> {
  const { url, dataDir, resources = new Resources({ kinds: DATABASE_CLIENTS }), statementMsMax } = options;
  const opened = url === undefined ? await openEmbedded(dataDir) : openPostgres(url, resources, statementMsMax);
  try {
    await migrate(opened.database);
    return opened;
  } catch (error) {
    await opened.close();
    throw new DatabaseError(`the database cannot be brought up to date: ${reason(error)}`, { cause: error });
  }
}

/** Steps that a newer version has taken are none of this one's business: while it is rolled out, or back, both run. */
async function migrate(database: Database): Promise<void> {
  const newer = await stepsTaken(database);
  const migrations = { ...Object.fromEntries(newer.map((name) => [name, NOTHING])), ...MIGRATIONS };
  const migrator = new Migrator({ db: database, provider: { getMigrations: async () => migrations } });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}

const NOTHING: Migration = { async up() {} };

async function stepsTaken(database: Database): Promise<string[]> {
  const tables = await database.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some(({ name }) => name === DEFAULT_MIGRATION_TABLE)) return [];
  const { rows } = await sql<{ name: string }>`select name from ${sql.table(DEFAULT_MIGRATION_TABLE)}`.execute(
    database,
  );
  return rows.map(({ name }) => name);
}

function openPostgres(url: string, resources: Resources, statementMsMax = STATEMENT_MS_MAX): OpenDatabase {
  const pool = new pg.Pool({
    connectionString: url,
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: CONNECTION_IDLE_MS_MAX,
    keepAlive: true,
    statement_timeout: statementMsMax,
    query_timeout: statementMsMax + SILENCE_MS_MAX,
    application_name: "simgen",
  });
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on("error", () => {});
  const leased = new LeasedClients(pool, resources.scope("database", { isLongLived: true }));
  const database: Database = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: leased }) });
  return { database, close: () => database.destroy() };
}

/**
 * Each client is a lease of whoever works with it. One that is still at work when its owner ends is thrown away, since it
 * may be in the middle of a transaction.
 */
class LeasedClients implements PostgresPool {
  readonly options = {};
  readonly #pool: pg.Pool;
  readonly #scope: Scope;

  constructor(pool: pg.Pool, scope: Scope) {
    this.#pool = pool;
    this.#scope = scope;
  }

  async connect(): Promise<PostgresPoolClient> {
    const owner = owners.getStore();
    const scope = owner && !owner.isClosed ? owner : this.#scope;
    const lease = await scope.acquire(
      "database client",
      async () => new LeasedClient(await this.#pool.connect().catch(down)),
      (client) => client.giveBack(),
    );
    const client = lease.value;
    client.release = (isBroken) => {
      client.isThrownAway = isBroken === true || client.isOutOfReach;
      lease.release().catch(() => {});
    };
    return client;
  }

  async end(): Promise<void> {
    await this.#scope.close();
    await this.#pool.end();
  }
}

class LeasedClient implements PostgresPoolClient {
  isThrownAway = true;
  /** A statement got no answer, so the next would get none, or this one's. */
  isOutOfReach = false;
  release!: PostgresPoolClient["release"];
  readonly #client: PostgresPoolClient;

  constructor(client: PostgresPoolClient) {
    this.#client = client;
  }

  query<R>(statement: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>>;
  query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>;
  query<R>(what: string | PostgresCursor<R>, parameters: readonly unknown[] = []) {
    if (typeof what !== "string") return this.#client.query(what);
    return this.#client.query<R>(what, parameters).catch((error) => {
      this.isOutOfReach ||= isOutOfReach(error);
      return down(error);
    });
  }

  giveBack(): void {
    this.#client.release(this.isThrownAway);
  }
}

function isOutOfReach(error: unknown): boolean {
  return !(error instanceof pg.DatabaseError) || OUT_OF_REACH.test(error.code ?? "");
}

/** What broke is for the log only. */
function down(error: unknown): never {
  if (!isOutOfReach(error)) throw error;
  const details = { retryAfterSeconds: RETRY_AFTER_SECONDS };
  throw Object.assign(new Problem("database_down", "the database is out of reach", details), { cause: error });
}

/**
 * Opens the embedded database in `dataDir` as it is. PGlite is one process's own: a second one on the same files would ruin
 * them, hence the lock. A restore that was interrupted is finished first. Throws `DatabaseError`.
 */
export async function openEmbedded(dataDir: string): Promise<OpenDatabase> {
  const lock = join(dataDir, "lock");
  await mkdir(dataDir, { recursive: true }).catch((error) => {
    throw new DatabaseError(`DATA_DIR ${dataDir} cannot be made: ${reason(error)}`);
  });
  const holder = await takeLock(lock).catch((error) => {
    throw new DatabaseError(`DATA_DIR cannot be written: ${reason(error)}`);
  });
  if (holder !== undefined)
    throw new DatabaseError(`DATA_DIR is in use by process ${holder}: stop it, or set another DATA_DIR`);
  try {
    await finishRestore(dataDir);
    const { database, close } = await openFiles(join(dataDir, DATABASE));
    return {
      database,
      async close() {
        await close();
        await rm(lock, { force: true });
      },
    };
  } catch (error) {
    await rm(lock, { force: true });
    throw new DatabaseError(`the embedded database in ${dataDir} does not open: ${reason(error)}`, { cause: error });
  }
}

/** Opens an embedded database's files, which nobody else may have open. */
export async function openFiles(path: string): Promise<OpenDatabase> {
  const pglite = await PGlite.create(path, { startParams: [...PGlite.defaultStartParams, ...NO_PROGRESS] });
  const database: Database = new Kysely<Tables>({ dialect: new PGliteDialect({ pglite }) });
  return {
    database,
    async close() {
      await database.destroy();
      await pglite.close().catch(() => {});
    },
  };
}

function reason(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reason(error.errors[0]);
  if (error instanceof Problem && error.cause !== undefined) return reason(error.cause);
  return error instanceof Error ? error.message : String(error);
}
