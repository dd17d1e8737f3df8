/** SimGen, composed: configuration in, one listening process out. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CircuitBreaker } from "@holdfast/breaker";
import { ageCheck, type Check, diskCheck } from "@holdfast/health";
import { managedSocket, Resources } from "@holdfast/resources";
import { memoryStore, redisStore, SessionError } from "@holdfast/sessions";
import { type Logger, pino } from "pino";
import { ConfigError } from "../service/environment.ts";
import { endInOrder, logNews, startHealth } from "../service/running.ts";
import { Pool } from "../sim/pool.ts";
import { LAST_VERIFIED } from "./backup/backups.ts";
import { serveHolds } from "./backup/hold.ts";
import { type Config, readConfig } from "./config.ts";
import { DATABASE_CLIENTS, type Database, DatabaseError, openDatabase } from "./database.ts";
import { createHttp } from "./http.ts";
import { cookieSecret, Identities } from "./identity.ts";
import { LiveRuns, RETRIALS } from "./live-runs.ts";
import { LlmPlanner } from "./llm/llm-planner.ts";
import { modelsOf } from "./llm/models.ts";
import { createMetrics } from "./metrics.ts";
import { PlanCache } from "./plan-cache.ts";
import { PromptPlanner } from "./prompt-planner.ts";
import { attachSessions, openSessions, tellOwner } from "./sessions.ts";
import { SimulationStore } from "./simulation-store.ts";
import { Simulations } from "./simulations.ts";
import { SketchReader } from "./sketch-reader.ts";
import { RedisTrips } from "./trip-store.ts";

const IDLE_MS = 60_000;
const SHUTDOWN_TIMEOUT_MS = 10_000;
/** Of that, how long clients may take to leave. */
const DRAIN_MS = 5_000;
/** Open sockets; more are refused. */
const CONNECTIONS_MAX = 20_000;
/** A request that takes so long has been forgotten. */
const REQUEST_LEAK_MS = 5 * 60_000;
const PAGE_DIR = fileURLToPath(new URL("../web/dist", import.meta.url));

/** What has been opened, each with how to close it: closed in reverse order, at shutdown or when the start fails. */
const opened: { close(): unknown }[] = [];
const opening = <T extends { close(): unknown }>(part: T): T => {
  opened.push(part);
  return part;
};

async function start(): Promise<void> {
  const config = readConfig();
  const logger = pino({
    level: config.logLevel,
    base: { server: config.serverId },
    redact: ["req.headers.authorization", "req.headers.cookie"],
  });
  const resources = opening(watchedResources(logger));
  const { database } = opening(await openDatabase({ url: config.databaseUrl, dataDir: config.dataDir, resources }));
  if (config.databaseUrl === undefined) opening(await offerBackups(database, config.dataDir, logger));
  const store = new SimulationStore(database);
  const pool = opening(await Pool.create({ workers: config.simulationWorkers, spares: 1 }, resources));
  const runs = opening(new LiveRuns(pool, resources, IDLE_MS));
  const models = await modelsOf(config.llm);
  const trips =
    models.length === 0 || config.redisUrl === undefined ? undefined : opening(new RedisTrips(config.redisUrl));
  const llms = models.map((model) => new LlmPlanner(model, pool, config.llm.limits, trips));
  const sketches = opening(
    new SketchReader({
      ...{ resources, cvUrl: config.cvUrl },
      onError: (error, what) => logger.warn({ err: error }, what),
    }),
  );
  const breakers = [...llms, sketches].flatMap(({ breaker }) => breaker ?? []);
  for (const breaker of breakers) watchBreaker(breaker, logger);
  const sessions = opening(
    await openSessions(
      config.redisUrl === undefined ? memoryStore() : redisStore({ url: config.redisUrl }),
      config.serverId,
      {
        store,
        runs,
        resources,
        onError: (error) => logger.error({ err: error }, "session failed"),
      },
    ),
  );
  const health = opening(
    await startHealth(
      {
        postgres: () => store.ping().then(() => undefined),
        ...(config.redisUrl === undefined ? {} : { redis: () => reached(sessions.isReady) }),
        ...(config.databaseUrl === undefined ? { disk: diskCheck(config.dataDir) } : {}),
        ...(config.cvUrl === undefined ? {} : { cv: { kind: "optional", probe: () => sketches.check() } }),
        ...(breakers.length === 0 ? {} : { breakers: breakersCheck(breakers) }),
        ...backupCheck(config),
      },
      logger,
    ),
  );
  const planner = new PromptPlanner({
    llms,
    cache: new PlanCache(database),
    deadlineMs: config.llm.deadlineMs,
    onError: (error, what) => logger.warn({ err: error }, what),
  });
  const identities = new Identities({
    cookieSecret: await cookieSecret(config.cookieSecret, config.dataDir),
    apiKeys: config.apiKeys,
    secure: config.publicOrigin?.startsWith("https:") ?? false,
  });
  const app = opening(
    await createHttp({
      logger,
      identities,
      simulations: new Simulations({
        ...{ store, pool, runs, planner, sketches },
        tell: (owner, session, progress) =>
          void tellOwner(sessions, owner, session, progress).catch((error) =>
            logger.debug({ err: error }, "progress was not told"),
          ),
      }),
      sketches,
      health,
      resources,
      metrics: createMetrics({ health, resources, pool, runs, sessions, breakers, sketches }),
      pageDir: PAGE_DIR,
    }),
  );
  attachSessions(sessions, app.server, {
    identities,
    publicOrigin: config.publicOrigin,
    isDraining: () => health.isDraining,
  });
  const connections = resources.scope("connections", { isLongLived: true });
  app.server.on("connection", (socket) => {
    try {
      managedSocket(connections, socket);
    } catch {
      // Counted, and in the news.
      socket.destroy();
    }
  });
  await app.listen({ host: config.host, port: config.port, listenTextResolver: () => "listening" });
  process.stdout.write(`SimGen is ready: ${address(config, app.server.address())}\n`);

  endInOrder({
    ...{
      health,
      logger,
      stallMs: config.stallMs,
      lingerMs: config.lingerMs,
      dataDir: config.dataDir,
      timeoutMs: SHUTDOWN_TIMEOUT_MS,
    },
    leave: () => sessions.drain({ graceMs: DRAIN_MS }),
    work: closeAll,
  });
}

/** All that this process holds: what leaks, dies or is replaced is in the log, and counted in the metrics. */
function watchedResources(logger: Logger): Resources {
  const resources = new Resources({
    kinds: {
      ...DATABASE_CLIENTS,
      ...RETRIALS,
      socket: { countMax: CONNECTIONS_MAX },
      scope: { leakMs: REQUEST_LEAK_MS },
    },
  });
  logNews(resources, logger);
  return resources;
}

function watchBreaker(breaker: CircuitBreaker, logger: Logger): void {
  breaker.on("change", ({ name, from, to, reason, openMs }) =>
    logger.warn({ breaker: name, from, to, reason, openMs: openMs && Math.round(openMs) }, "a breaker has changed"),
  );
  breaker.on("attention", ({ name, error }) =>
    logger.error(
      { breaker: name, err: error },
      "somebody has to look after this: a key, a bill or an address is wrong",
    ),
  );
}

/** `npm run backup` copies the embedded database while this process, which has it, holds it still. */
async function offerBackups(database: Database, dataDir: string, logger: Logger): Promise<{ close(): unknown }> {
  const onError = (error: unknown) => logger.error({ err: error }, "the database cannot be held still for a backup");
  const onHeld = (held: object) => logger.info(held, "the database was held still for a backup");
  return serveHolds({ database, dataDir, onHeld, onError }).catch((error) => {
    onError(error);
    return { close() {} };
  });
}

/** Where nobody has said that there are backups, one that is there is watched from then on. */
function backupCheck({ backupDir, databaseUrl, dataDir }: Config): Record<string, Check> {
  if (backupDir !== undefined) return { backup: ageCheck(join(backupDir, LAST_VERIFIED)) };
  if (databaseUrl !== undefined) return {};
  const file = join(dataDir, "backups", LAST_VERIFIED);
  const check = ageCheck(file);
  return { backup: { ...check, probe: (signal) => (existsSync(file) ? check.probe(signal) : undefined) } };
}

function reached(isReady: boolean): undefined {
  if (!isReady) throw new Error("the store of sessions is out of reach");
}

/** Something stands in for whatever is behind one: the rules for a language model, this process for the CV service. */
function breakersCheck(breakers: readonly CircuitBreaker[]): Check {
  return {
    kind: "optional",
    probe() {
      const open = breakers.filter(({ state }) => state === "open").map(({ name }) => name);
      if (open.length > 0) throw new Error(`open: ${open.join(", ")}`);
      return undefined;
    },
  };
}

async function closeAll(): Promise<void> {
  for (const part of opened.reverse()) await part.close();
}

function address({ host, publicOrigin }: Config, bound: ReturnType<import("node:net").Server["address"]>): string {
  if (publicOrigin !== undefined) return publicOrigin;
  const port = typeof bound === "object" ? bound?.port : bound;
  return `http://${host === "127.0.0.1" || host === "0.0.0.0" || host === "::" ? "localhost" : host}:${port}`;
}

try {
  await start();
} catch (error) {
  process.stderr.write(`simgen: ${explained(error)}\n`);
  await closeAll();
  process.exit(1);
}

/** One line for what the operator can mend, a stack for our own mistakes. */
function explained(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof ConfigError ||
    error instanceof DatabaseError ||
    error instanceof SessionError ||
    "syscall" in error
    ? error.message
    : (error.stack ?? error.message);
}
