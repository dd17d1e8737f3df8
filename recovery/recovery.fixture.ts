/** A database to lose, and the scripts as they are run: by the owner of a folder of backups, who is not root. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Postgres, postgresUser, startPostgres } from "../apps/simgen/server/postgres.fixture.ts";

export type Script = "backup" | "verify" | "retention" | "restore" | "wal" | "offsite" | "schedule";
export type Environment = Record<string, string>;

export interface Ended {
  code: number | null;
  /** The one line for machines. */
  stdout: string;
  stderr: string;
  /** What was said to people, without the times and the script's name. */
  said: string[];
}

export interface Started {
  child: ChildProcess;
  ended: Promise<Ended>;
  /** What was said so far. */
  stderr(): string;
}

export interface Recovery {
  postgres: Postgres;
  /** A folder that the scripts may write. */
  dir: string;
  /** BACKUP_DIR, or a folder in it. */
  backups(...path: string[]): string;
  /** Names of what looks like a complete backup. */
  names(): string[];
  /** In the database that is backed up, or another. */
  query(text: string, database?: string): Promise<unknown[][]>;
  run(script: Script, args?: string[], environment?: Environment): Promise<Ended>;
  start(script: Script, args?: string[], environment?: Environment): Started;
  /** Makes a backup, and proves it unless told not to; its name. */
  backup(options?: { args?: string[]; verify?: boolean; environment?: Environment }): Promise<string>;
}

export const RECOVERY_KEY = "recovery-key-9b1f";
/** In the file of secrets that is backed up, and in DATABASE_URL. */
export const SECRET = "s3cr3t-7c41e5";

const TABLES = `
  create table simulations (id text primary key, owner text not null, name text not null, scene jsonb not null,
    created_at timestamptz not null default now());
  create table kysely_migration (name text primary key, timestamp text not null);
  insert into kysely_migration values ('001_simulations', '2026-01-01'), ('002_plans', '2026-01-02');
  insert into simulations select 'sim-' || n, 'owner-' || n % 7, repeat('name ', n % 5), jsonb_build_object('n', n, 'x', random())
    from generate_series(1, 2000) as n;`;

/** For what the tests of a file, or of a suite, share: it ends after all of them, the last first. */
export function shared(): { after(end: () => Promise<void>): void } {
  const ends: (() => Promise<void>)[] = [];
  after(async () => {
    for (const end of ends) await end();
  });
  return { after: (end) => void ends.unshift(end) };
}

/** `tables`: another database than the usual one with 2,002 rows. */
export async function startRecovery(
  t: { after(end: () => Promise<void>): unknown },
  { environment = {}, tables = TABLES }: { environment?: Environment; tables?: string } = {},
): Promise<Recovery> {
  const postgres = await startPostgres(t);
  const user = postgresUser();
  const dir = await mkdtemp(join(tmpdir(), "holdfast-recovery-"));
  t.after(() => rm(dir, { recursive: true, force: true, maxRetries: 20 }));
  // A checkout may be where the other user cannot read.
  const scripts = join(dir, "scripts");
  for (const folder of [scripts, join(dir, "config")]) mkdirSync(folder);
  for (const file of globSync("*.sh", { cwd: import.meta.dirname })) {
    copyFileSync(join(import.meta.dirname, file), join(scripts, file));
    chmodSync(join(scripts, file), 0o755);
  }
  writeFileSync(join(dir, "config/secret"), SECRET);
  for (const path of [dir, scripts, join(dir, "config"), join(dir, "config/secret")])
    if (user) chownSync(path, user.uid, user.gid);

  const started: ChildProcess[] = [];
  // Also what outlived its script.
  t.after(async () => {
    for (const child of started) kill({ child }, "SIGKILL", true);
  });

  await postgres.query("create database simgen");
  const query = (text: string, database = "simgen") => postgres.query(text, database);
  await query(tables);

  const backups = (...path: string[]) => join(dir, "backups", ...path);
  const names = () => {
    if (!existsSync(backups())) return [];
    return readdirSync(backups()).filter((name) => /^\d/.test(name) && existsSync(backups(name, "manifest.json")));
  };
  const start = (script: Script, args: string[] = [], more: Environment = {}): Started => {
    const child = spawn(join(scripts, `${script}.sh`), args, {
      ...user,
      cwd: dir,
      // Of a group of its own, so that all of it can be ended.
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env.PATH ?? "",
        HOME: "/tmp",
        DATABASE_URL: postgres.url.replace(/simgen@(.*)\/postgres$/, `simgen:${SECRET}@$1/simgen`),
        BACKUP_DIR: backups(),
        RECOVERY_KEY,
        // pg_dump 15 knows no zstd.
        BACKUP_COMPRESSION: "1",
        ...environment,
        ...more,
      },
    });
    started.push(child);
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
    });
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    // Not "close": what a script that was killed has started may hold its outputs.
    const ended = once(child, "exit").then(async (): Promise<Ended> => {
      await Promise.race([once(child, "close"), sleep(100)]);
      const said = stderr.split("\n").flatMap((line) => line.match(/^[-\d]+T[:\d]+Z [a-z]+: (.*)/)?.[1] ?? []);
      return { code: child.exitCode, stdout, stderr, said };
    });
    return { child, ended, stderr: () => stderr };
  };
  const run = (script: Script, args?: string[], more?: Environment) => start(script, args, more).ended;
  const backup: Recovery["backup"] = async ({ args = ["--no-base"], verify = true, environment: more = {} } = {}) => {
    const made = await run("backup", args, more);
    if (made.code !== 0) throw new Error(`backup.sh ended with ${made.code}:\n${made.stderr}`);
    const { backup: name } = JSON.parse(made.stdout);
    const proven = verify ? await run("verify", [name], more) : made;
    if (proven.code !== 0) throw new Error(`verify.sh ended with ${proven.code}:\n${proven.stderr}`);
    return name;
  };
  return { postgres, dir, backups, names, query, run, start, backup };
}

/** Kills what was started: the script alone, or with all of its process group. */
export function kill({ child }: Pick<Started, "child">, signal: NodeJS.Signals, group = false): void {
  if (child.pid === undefined) throw new Error("it did not start");
  try {
    process.kill(group ? -child.pid : child.pid, signal);
  } catch {
    // It has ended.
  }
}

export async function until(holds: () => boolean | Promise<boolean>, what: string, timeoutMs = 30_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; !(await holds()); await sleep(20))
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
}

export interface Steps {
  /** For the script's PATH and other settings: it stops before the `step`th of these commands, or one that has this in it. */
  environment(step: number | string): Environment;
  /** The command that it stopped before, once it has. */
  reached(): string | undefined;
  /** Lets what it stopped before go on, when only the script was killed. */
  goOn(): void;
}

/** Stops a script just before a command that it runs, counted from 1: to kill it at every step. */
export function stepsOf(recovery: Recovery, commands: string[]): Steps {
  const dir = mkdtempSync(join(recovery.dir, "steps-"));
  chmodSync(dir, 0o755);
  writeFileSync(
    join(dir, "step"),
    `#!/bin/bash
command=$(basename "$0")
PATH=\${PATH#*:}
said="$command \${*//$'\\n'/ }"
{ flock 9; echo "$said" >>"$STEPS/calls"; number=$(wc -l <"$STEPS/calls"); } 9>>"$STEPS/lock"
if [[ $number == "$STOP_BEFORE" || ( $STOP_BEFORE == *[a-z]* && $said == *"$STOP_BEFORE"* ) ]]; then
  echo "$said" >"$STEPS/reached.new"
  mv "$STEPS/reached.new" "$STEPS/reached"
  while [[ ! -e $STEPS/go ]]; do sleep 0.02; done
fi
exec "$command" "$@"
`,
  );
  chmodSync(join(dir, "step"), 0o755);
  for (const command of commands) copyFileSync(join(dir, "step"), join(dir, command));
  let state = "";
  return {
    environment: (step) => {
      state = mkdtempSync(join(recovery.dir, "step-"));
      chmodSync(state, 0o777);
      return { PATH: `${dir}:${process.env.PATH}`, STEPS: state, STOP_BEFORE: String(step) };
    },
    reached: () =>
      existsSync(join(state, "reached")) ? readFileSync(join(state, "reached"), "utf8").trim() : undefined,
    goOn: () => writeFileSync(join(state, "go"), ""),
  };
}
