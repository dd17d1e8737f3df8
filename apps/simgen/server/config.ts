import { availableParallelism, hostname } from "node:os";
import { z } from "zod";
import { ConfigError, lingerMs, readEnvironment, stallMs } from "../service/environment.ts";
import type { LlmLimits } from "./llm/llm-planner.ts";
import type { LlmConfig } from "./llm/models.ts";

const SECRETS = ["DATABASE_URL", "REDIS_URL", "COOKIE_SECRET", "API_KEYS", "ANTHROPIC_API_KEY", "LLM_API_KEY"] as const;

const port = z.coerce.number<string>().int().min(0).max(65_535);
const text = z.string().min(1);
const milliseconds = z.coerce.number<string>().int().min(10).max(600_000);
/** As HTTP takes it in a header. */
const apiKey = z.string().regex(/^[\x21-\x7e]+$/, "a key without spaces and other than ASCII characters");
const httpUrl = z
  .string()
  .regex(/^https?:\/\//, "an http:// or https:// URL")
  .refine((value) => URL.canParse(value), "an http:// or https:// URL");

/** The environment variables SimGen reads; an empty one counts as missing. */
const environment = z.object({
  HOST: text.default("127.0.0.1"),
  PORT: port.default(8080),
  DATA_DIR: text.default("./data"),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, "a postgres:// URL")
    .exactOptional(),
  REDIS_URL: z
    .string()
    .regex(/^rediss?:\/\//, "a redis:// or rediss:// URL")
    .refine((value) => URL.canParse(value), "a redis:// or rediss:// URL")
    .exactOptional(),
  SERVER_ID: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/, "1 to 64 letters, digits, dots, - or _")
    .default(
      hostname()
        .replaceAll(/[^A-Za-z0-9._-]/g, "-")
        .slice(0, 64),
    ),
  LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
  COOKIE_SECRET: z.string().min(16).exactOptional(),
  API_KEYS: text.exactOptional(),
  PUBLIC_ORIGIN: z
    .string()
    .refine((value) => URL.canParse(value) && new URL(value).origin === value, "an origin like https://sim.example.org")
    .exactOptional(),
  ANTHROPIC_API_KEY: apiKey.exactOptional(),
  ANTHROPIC_BASE_URL: httpUrl.exactOptional(),
  ANTHROPIC_MODEL: text.default("claude-sonnet-4-5"),
  LLM_BASE_URL: httpUrl.exactOptional(),
  LLM_API_KEY: apiKey.exactOptional(),
  LLM_MODEL: text.exactOptional(),
  CV_URL: httpUrl.exactOptional(),
  LLM_DEADLINE_MS: milliseconds.default(45_000),
  LLM_FIRST_WORD_MS: milliseconds.default(15_000),
  LLM_IDLE_MS: milliseconds.default(10_000),
  LLM_ANSWER_MS: milliseconds.default(35_000),
  STALL_MS: stallMs,
  LINGER_MS: lingerMs,
  BACKUP_DIR: text.exactOptional(),
  SIM_WORKERS: z.coerce
    .number<string>()
    .int()
    .min(1)
    .max(64)
    .default(Math.max(1, Math.min(8, availableParallelism() - 1))),
});

export interface Config {
  host: string;
  /** 0: any free port. */
  port: number;
  dataDir: string;
  /** Without one, Postgres runs inside the process and keeps its files in `dataDir`. */
  databaseUrl: string | undefined;
  /** Where sessions are kept, for all servers that share it. Without one, in this process. */
  redisUrl: string | undefined;
  /** Names this server in the logs and to the others. */
  serverId: string;
  logLevel: z.output<typeof environment>["LOG_LEVEL"];
  /** Signs the visitor cookies. Without one, a secret is made and kept in `dataDir`. */
  cookieSecret: string | undefined;
  apiKeys: string[];
  /** The page's origin when it is not the one the server sees, as behind a proxy. */
  publicOrigin: string | undefined;
  simulationWorkers: number;
  /** How long the event loop may stand still before the process is ended, ms. */
  stallMs: number;
  /** How long it goes on answering after it was told to end, ms. */
  lingerMs: number;
  /** Where backups are kept, whose age is watched. Those of the embedded database are in `dataDir` without one. */
  backupDir: string | undefined;
  /** Of the service that reads sketches. Without one, they are read in this process. */
  cvUrl: string | undefined;
  llm: LlmConfig & {
    /** For all language models together, ms. */
    deadlineMs: number;
    limits: LlmLimits;
  };
}

/** Reads and checks the environment. A secret NAME may also come from the file that NAME_FILE names. Throws `ConfigError`. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const values = readEnvironment(environment, env, SECRETS);
  return {
    host: values.HOST,
    port: values.PORT,
    dataDir: values.DATA_DIR,
    databaseUrl: values.DATABASE_URL,
    redisUrl: values.REDIS_URL,
    serverId: values.SERVER_ID,
    logLevel: values.LOG_LEVEL,
    cookieSecret: values.COOKIE_SECRET,
    apiKeys: (values.API_KEYS ?? "").split(/[\s,]+/).filter((key) => key !== ""),
    publicOrigin: values.PUBLIC_ORIGIN,
    simulationWorkers: values.SIM_WORKERS,
    stallMs: values.STALL_MS,
    lingerMs: values.LINGER_MS,
    backupDir: values.BACKUP_DIR,
    cvUrl: values.CV_URL,
    llm: {
      anthropic:
        values.ANTHROPIC_API_KEY === undefined
          ? undefined
          : {
              apiKey: values.ANTHROPIC_API_KEY,
              baseUrl: values.ANTHROPIC_BASE_URL,
              model: values.ANTHROPIC_MODEL,
            },
      compatible: compatibleOf(values),
      deadlineMs: values.LLM_DEADLINE_MS,
      limits: { firstItemMs: values.LLM_FIRST_WORD_MS, idleMs: values.LLM_IDLE_MS, answerMs: values.LLM_ANSWER_MS },
    },
  };
}

function compatibleOf(values: z.output<typeof environment>): LlmConfig["compatible"] {
  const { LLM_BASE_URL: baseUrl, LLM_API_KEY: apiKey, LLM_MODEL: model } = values;
  if (baseUrl === undefined) {
    const alone = model !== undefined ? "LLM_MODEL" : apiKey !== undefined ? "LLM_API_KEY" : undefined;
    if (alone === undefined) return;
    throw new ConfigError(`LLM_BASE_URL: expected the address of an endpoint beside ${alone}, got nothing`);
  }
  if (model === undefined)
    throw new ConfigError("LLM_MODEL: expected the name of a model beside LLM_BASE_URL, got nothing");
  return { baseUrl, apiKey, model };
}
