import { z } from "zod";
import { lingerMs, readEnvironment, stallMs } from "../service/environment.ts";
import { ANALYZER_DEFAULTS } from "./analyzer.ts";

/** The environment variables the CV service reads; an empty one counts as missing. */
const environment = z.object({
  HOST: z.string().min(1).default("127.0.0.1"),
  PORT: z.coerce.number<string>().int().min(0).max(65_535).default(8090),
  LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
  STALL_MS: stallMs,
  LINGER_MS: lingerMs,
  CV_WORKERS: z.coerce.number<string>().int().min(1).max(64).default(ANALYZER_DEFAULTS.threads),
});

export interface CvConfig {
  host: string;
  /** 0: any free port. */
  port: number;
  logLevel: z.output<typeof environment>["LOG_LEVEL"];
  threads: number;
  /** How long the event loop may stand still before the process is ended, ms. */
  stallMs: number;
  lingerMs: number;
}

/** Reads and checks the environment. Throws `ConfigError`. */
export function readCvConfig(env: NodeJS.ProcessEnv = process.env): CvConfig {
  const { HOST, PORT, LOG_LEVEL, STALL_MS, LINGER_MS, CV_WORKERS } = readEnvironment(environment, env);
  return { host: HOST, port: PORT, logLevel: LOG_LEVEL, threads: CV_WORKERS, stallMs: STALL_MS, lingerMs: LINGER_MS };
}
