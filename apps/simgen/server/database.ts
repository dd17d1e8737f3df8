import { mkdir, open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { Resources, type Scope } from "@holdfast/resources";
import {
  type ColumnType,
  Kysely,
  PGliteDialect,
  PostgresDialect,
  type PostgresPool,
  type PostgresPoolClient,
} from "kysely";
import { Migrator } from "kysely/migration";
import pg from "pg";
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
const STATEMENT_TIMEOUT_MS = 10_000;

/** Limits for `Resources`: a client that is held for so long is reported, with whose it is and where it was taken. */
export const DATABASE_CLIENTS = {
  "database client": { countMax: CONNECTIONS_MAX, queueMsMax: CONNECT_TIMEOUT_MS, leakMs: 30_000 },
};

/** Opens Postgres at `url`, or the embedded one in `dataDir`, and brings its tables up to date. Throws `DatabaseError`. */
export async function openDatabase(options: {
  url: string | undefined;
  dataDir: string;
  resources?: Resources;
}): Promise<OpenDatabase> {
  const { url, dataDir, resources = new Resources({ kinds: DATABASE_CLIENTS }) } = options;
  const opened = url === undefined ? await openEmbedded(dataDir) : openPostgres(url, resources);
  try {
    await migrate(opened.database);
    return opened;
  } catch (error) {
    await opened.close();
    throw new DatabaseError(`the database cannot be brought up to date: ${reason(error)}`, { cause: error });
  }
}

async function migrate(database: Database): Promise<void> {
  const migrator = new Migrator({ db: database, provider: { getMigrations: async () => MIGRATIONS } });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}

function openPostgres(url: string, resources: Resources): OpenDatabase {
  const pool = new pg.Pool({
    connectionString: url,
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
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
    let isThrownAway = true;
    const lease = await scope.acquire(
      "database client",
      async () => {
        const client = await this.#pool.connect();
        return { client, giveBack: client.release.bind(client) };
      },
      ({ giveBack }) => giveBack(isThrownAway),
    );
    const { client } = lease.value;
    // The pool sets it anew each time.
    client.release = (isBroken) => {
      isThrownAway = isBroken !== undefined && isBroken !== false;
      lease.release().catch(() => {});
    };
    return client;
  }

  async end(): Promise<void> {
    await this.#scope.close();
    await this.#pool.end();
  }
}

/** PGlite is one process's own: a second one on the same files would ruin them, hence the lock. */
async function openEmbedded(dataDir: string): Promise<OpenDatabase> {
  const lock = join(dataDir, "lock");
  await mkdir(dataDir, { recursive: true }).catch((error) => {
    throw new DatabaseError(`DATA_DIR ${dataDir} cannot be made: ${reason(error)}`);
  });
  await takeLock(lock);
  try {
    const pglite = await PGlite.create(join(dataDir, "postgres"));
    const database: Database = new Kysely<Tables>({ dialect: new PGliteDialect({ pglite }) });
    return {
      database,
      async close() {
        await database.destroy();
        await pglite.close().catch(() => {});
        await rm(lock, { force: true });
      },
    };
  } catch (error) {
    await rm(lock, { force: true });
    throw new DatabaseError(`the embedded database in ${dataDir} does not open: ${reason(error)}`, { cause: error });
  }
}

async function takeLock(path: string): Promise<void> {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const file = await open(path, "wx");
      await file.writeFile(String(process.pid));
      await file.close();
      return;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST"))
        throw new DatabaseError(`DATA_DIR cannot be written: ${reason(error)}`);
    }
    const holder = Number(await readFile(path, "utf8").catch(() => ""));
    if (holder !== process.pid && isRunning(holder))
      throw new DatabaseError(`DATA_DIR is in use by process ${holder}: stop it, or set another DATA_DIR`);
    await rm(path, { force: true });
  }
  throw new DatabaseError("DATA_DIR is being taken by another process: try again");
}

function isRunning(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function reason(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reason(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
