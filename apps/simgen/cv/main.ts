/** The CV service, composed: sketches in, scenes out, nothing kept. */
import { Resources } from "@holdfast/resources";
import { pino } from "pino";
import { ConfigError } from "../service/environment.ts";
import { endInOrder, logNews, startHealth } from "../service/running.ts";
import { Analyzer } from "./analyzer.ts";
import { readCvConfig } from "./config.ts";
import { createCvHttp } from "./http.ts";
import { createCvMetrics } from "./metrics.ts";

/** Sketches that are being read then, and those that wait, get their answers: queue and deadline together are 7 s. */
const SHUTDOWN_TIMEOUT_MS = 9_000;

async function start(): Promise<void> {
  const config = readCvConfig();
  const logger = pino({ level: config.logLevel, base: null });
  const resources = new Resources();
  logNews(resources, logger);
  const analyzer = new Analyzer(resources, { threads: config.threads });
  await analyzer.ready();
  const isThreadReady = () => analyzer.threads.some(({ state }) => state === "ready");
  const health = await startHealth({ threads: () => (isThreadReady() ? undefined : "none is ready") }, logger);
  const app = createCvHttp({ logger, analyzer, health, metrics: createCvMetrics(analyzer, resources, health) });
  await app.listen({ host: config.host, port: config.port, listenTextResolver: () => "listening" });
  const bound = app.server.address();
  process.stdout.write(`CV is ready: http://localhost:${typeof bound === "object" ? bound?.port : bound}\n`);

  endInOrder({
    health,
    logger,
    stallMs: config.stallMs,
    lingerMs: config.lingerMs,
    timeoutMs: SHUTDOWN_TIMEOUT_MS,
    async work() {
      await app.close();
      await analyzer.close();
    },
  });
}

try {
  await start();
} catch (error) {
  const isTheirs = error instanceof ConfigError || (error instanceof Error && "syscall" in error);
  process.stderr.write(`cv: ${error instanceof Error ? (isTheirs ? error.message : error.stack) : error}\n`);
  process.exit(1);
}
