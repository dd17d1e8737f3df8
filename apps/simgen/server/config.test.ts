import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ConfigError } from "../service/environment.ts";
import { readConfig } from "./config.ts";

test("no variable is needed", () => {
  const config = readConfig({});
  assert.equal(config.port, 8080);
  assert.equal(config.host, "127.0.0.1");
  assert.equal(config.databaseUrl, undefined);
  assert.equal(config.cvUrl, undefined);
  assert.ok(config.simulationWorkers >= 1);
});

test("an empty variable counts as missing", () => {
  assert.equal(readConfig({ PORT: "", COOKIE_SECRET: "" }).port, 8080);
});

test("API keys come as a list", () => {
  assert.deepEqual(readConfig({ API_KEYS: "one, two\nthree" }).apiKeys, ["one", "two", "three"]);
});

for (const [env, message] of [
  [{ PORT: "eighty" }, /^PORT: expected number, got "eighty"$/],
  [{ PORT: "70000" }, /^PORT: expected at most 65535, got "70000"$/],
  [{ LOG_LEVEL: "loud" }, /^LOG_LEVEL: expected one of fatal, .*, got "loud"$/],
  [{ PUBLIC_ORIGIN: "https://sim.example.org/" }, /^PUBLIC_ORIGIN: expected an origin like/],
  [
    { DATABASE_URL: "mysql://user:secret@db" },
    /^DATABASE_URL: expected a postgres:\/\/ URL, got something else \(hidden\)$/,
  ],
  [{ REDIS_URL: "http://:secret@redis" }, /^REDIS_URL: expected a redis:\/\/ or rediss:\/\/ URL, got something else/],
  [{ REDIS_URL: "redis://:secret@:x" }, /^REDIS_URL: expected a redis:\/\/ or rediss:\/\/ URL, got something else/],
  [{ CV_URL: "cv:8090" }, /^CV_URL: expected an http:\/\/ or https:\/\/ URL, got "cv:8090"$/],
  [{ COOKIE_SECRET: "short" }, /^COOKIE_SECRET: expected at least 16 characters, got something else \(hidden\)$/],
  [
    { ANTHROPIC_BASE_URL: "api.anthropic.com" },
    /^ANTHROPIC_BASE_URL: expected an http:\/\/ or https:\/\/ URL, got "api/,
  ],
  [{ LLM_BASE_URL: "ftp://llm", LLM_MODEL: "m" }, /^LLM_BASE_URL: expected an http:\/\/ or https:\/\/ URL, got "ftp/],
  [{ LLM_BASE_URL: "http://:x", LLM_MODEL: "m" }, /^LLM_BASE_URL: expected an http:\/\/ or https:\/\/ URL, got "http/],
  [{ LLM_BASE_URL: "http://llm" }, /^LLM_MODEL: expected the name of a model beside LLM_BASE_URL, got nothing$/],
  [{ LLM_MODEL: "m" }, /^LLM_BASE_URL: expected the address of an endpoint beside LLM_MODEL, got nothing$/],
  [{ LLM_API_KEY: "k" }, /^LLM_BASE_URL: expected the address of an endpoint beside LLM_API_KEY, got nothing$/],
  [{ LLM_DEADLINE_MS: "soon" }, /^LLM_DEADLINE_MS: expected number, got "soon"$/],
  [
    { ANTHROPIC_API_KEY: "secret@\nkey" },
    /^ANTHROPIC_API_KEY: expected a key without .*, got something else \(hidden\)$/,
  ],
  [{ API_KEYS_FILE: "/nowhere" }, /^API_KEYS_FILE: expected a readable file, got \/nowhere/],
  [{ API_KEYS_FILE: "/nowhere", API_KEYS: "x" }, /^API_KEYS_FILE: expected to be alone/],
] as const)
  test(`a bad value is one line with the variable, what is expected and what came, never a secret: ${JSON.stringify(env)}`, () => {
    assert.throws(
      () => readConfig(env),
      (error) => error instanceof ConfigError && message.test(error.message) && !/secret@|"short"/.test(error.message),
    );
  });

test("a secret may come from a file", (t) => {
  const dir = mkdtempSync(join(tmpdir(), "simgen-config-"));
  t.after(() => rmSync(dir, { recursive: true }));
  writeFileSync(join(dir, "secret"), "a secret of some length\n");
  assert.equal(readConfig({ COOKIE_SECRET_FILE: join(dir, "secret") }).cookieSecret, "a secret of some length");
});

test("language models come from the environment, their keys from files if need be", (t) => {
  assert.deepEqual(readConfig({}).llm, {
    anthropic: undefined,
    compatible: undefined,
    deadlineMs: 45_000,
    limits: { firstItemMs: 15_000, idleMs: 10_000, answerMs: 35_000 },
  });
  const dir = mkdtempSync(join(tmpdir(), "simgen-config-"));
  t.after(() => rmSync(dir, { recursive: true }));
  writeFileSync(join(dir, "one"), "key-one\n");
  writeFileSync(join(dir, "other"), "key-other\n");
  const { llm } = readConfig({
    ANTHROPIC_API_KEY_FILE: join(dir, "one"),
    LLM_BASE_URL: "http://localhost:11434/v1",
    LLM_API_KEY_FILE: join(dir, "other"),
    LLM_MODEL: "llama",
    LLM_DEADLINE_MS: "20000",
    LLM_FIRST_WORD_MS: "5000",
    LLM_IDLE_MS: "3000",
    LLM_ANSWER_MS: "15000",
  });
  assert.deepEqual(llm, {
    anthropic: { apiKey: "key-one", baseUrl: undefined, model: "claude-sonnet-4-5" },
    compatible: { baseUrl: "http://localhost:11434/v1", apiKey: "key-other", model: "llama" },
    deadlineMs: 20_000,
    limits: { firstItemMs: 5000, idleMs: 3000, answerMs: 15_000 },
  });
  assert.equal(readConfig({ LLM_BASE_URL: "http://llm", LLM_MODEL: "m" }).llm.compatible?.apiKey, undefined);
});
