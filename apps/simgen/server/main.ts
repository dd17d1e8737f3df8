/** SimGen, composed: configuration in, one listening process out. */
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { Pool } from "../sim/pool.ts";
import { type Config, ConfigError, readConfig } from "./config.ts";
import { DatabaseError, openDatabase } from "./database.ts";
import { Edge } from "./edge.ts";
import { Health } from "./health.ts";
import { createHttp } from "./http.ts";
import { cookieSecret, Identities, isOwnOrigin } from "./identity.ts";
import { Conversation } from "./live.ts";
import { LiveRuns } from "./live-runs.ts";
import { createMetrics } from "./metrics.ts";
import { Problem } from "./problem.ts";
import { SimulationStore } from "./simulation-store.ts";
import { Simulations } from "./simulations.ts";

const IDLE_MS = 60_000;
const SHUTDOWN_TIMEOUT_MS = 10_000;
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
  const { database } = opening(await openDatabase({ url: config.databaseUrl, dataDir: config.dataDir }));
  const store = new SimulationStore(database);
  const health = opening(await Health.start({ database: async () => store.ping().then(() => undefined) }));
  const pool = opening(await Pool.create({ workers: config.simulationWorkers }));
  const runs = new LiveRuns(pool, IDLE_MS);
  const identities = new Identities({
    cookieSecret: await cookieSecret(config.cookieSecret, config.dataDir),
    apiKeys: config.apiKeys,
    secure: config.publicOrigin?.startsWith("https:") ?? false,
  });

  let edge: Edge | undefined;
  const app = opening(
    await createHttp({
      logger,
      identities,
      simulations: new Simulations({ store, pool, runs }),
      health,
      metrics: createMetrics({ pool, runs, edge: () => edge }),
      pageDir: PAGE_DIR,
    }),
  );
  edge = opening(
    new Edge(app.server, {
      path: "/ws",
      identify(request) {
        if (health.draining) throw new Problem("shutting_down", "come back in a moment");
        if (!isOwnOrigin(request, config.publicOrigin))
          throw new Problem("origin_forbidden", `got Origin ${request.headers.origin}`);
        return identities.identify(request);
      },
      open: (connection) =>
        new Conversation(connection, {
          store,
          runs,
          onError: (error) => logger.error({ err: error }, "message failed"),
        }),
    }),
  );
  await app.listen({ host: config.host, port: config.port, listenTextResolver: () => "listening" });
  process.stdout.write(`SimGen is ready: ${address(config, app.server.address())}\n`);

  const stop = async (signal: string) => {
    if (health.draining) return;
    health.draining = true;
    logger.info({ signal }, "shutting down");
    setTimeout(() => {
      logger.error(`not done within ${SHUTDOWN_TIMEOUT_MS} ms`);
      process.exit(1);
    }, SHUTDOWN_TIMEOUT_MS).unref();
    await closeAll();
    process.exit(0);
  };
  process.on("SIGTERM", () => void stop("SIGTERM"));
  process.on("SIGINT", () => void stop("SIGINT"));
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
  return error instanceof ConfigError || error instanceof DatabaseError || "syscall" in error
    ? error.message
    : (error.stack ?? error.message);
}
