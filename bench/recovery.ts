/** What a backup and a restore that are checked cost, beside plain pg_dump and pg_restore of the same database. */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startPostgres } from "./recovery/postgres.ts";
import { Report } from "./report.ts";

const execute = promisify(execFile);
const RECOVERY = fileURLToPath(new URL("../recovery", import.meta.url));
/** Of pg_dump, for both: what every version knows. */
const COMPRESSION = "1";
const JOBS = "2";

const report = new Report("recovery", "Backup and restore, checked, beside plain pg_dump and pg_restore -j 2.");
const mb = report.quick ? 100 : 1_000;
const rounds = report.quick ? 1 : 3;

const folder = await mkdtemp(join(tmpdir(), "holdfast-bench-recovery-"));
const postgres = await startPostgres(folder);
const { url, user, bin } = postgres;
const env = {
  ...process.env,
  // Debian's wrapper of them, which looks for a cluster first, takes three times as long to start as psql itself.
  PATH: `${bin}:${process.env.PATH}`,
  DATABASE_URL: url,
  BACKUP_DIR: join(folder, "backups"),
  BACKUP_COMPRESSION: COMPRESSION,
  RESTORE_JOBS: JOBS,
  HOME: folder,
};
const run = async (program: string, ...args: string[]): Promise<number> => {
  const begun = performance.now();
  await execute(program, args, { cwd: folder, env, ...user, maxBuffer: 2 ** 24 });
  return performance.now() - begun;
};
const script = (name: string, ...args: string[]) => run(join(RECOVERY, `${name}.sh`), ...args);
const newest = async () =>
  (await readdir(env.BACKUP_DIR))
    .filter((name) => /^\d/.test(name))
    .sort()
    .at(-1) ?? "";

try {
  report.progress(`making a database of ${mb} MB`);
  // Of each row's 1 KB a half is random: what a scene as JSON compresses like.
  await postgres.query(
    `create table simulations as
       select n as id, 'visitor:' || n % 1000 as owner, now() - n * interval '1 second' as created_at,
         (select string_agg(md5(n::text || i), '') from generate_series(1, 16) as i) || repeat('"geoms":[{"type":"box"}],', 20) as scene
       from generate_series(1, ${mb * 1_000}) as n;
     alter table simulations add primary key (id);
     create index on simulations (owner, created_at);
     analyze`,
  );
  const megabytes = Number(await postgres.query("select pg_database_size('simgen')")) / 1e6;

  const dumps: Record<string, number[]> = { pg_dump: [], holdfast: [] };
  const restores: Record<string, number[]> = { pg_restore: [], holdfast: [] };
  for (let round = 0; round < rounds; round++) {
    // The order is reversed each time.
    const turns = [
      async () => {
        report.progress(`round ${round + 1}: pg_dump, pg_restore`);
        const dump = join(folder, "plain.dump");
        dumps.pg_dump?.push(await run("pg_dump", "-Fc", `--compress=${COMPRESSION}`, "-f", dump, "-d", url));
        await postgres.query("create database plain");
        restores.pg_restore?.push(await run("pg_restore", "-j", JOBS, "-d", url.replace(/simgen$/, "plain"), dump));
        await postgres.query("drop database plain");
      },
      async () => {
        report.progress(`round ${round + 1}: backup.sh, restore.sh`);
        dumps.holdfast?.push(await script("backup", "--no-base"));
        restores.holdfast?.push(await script("restore", await newest(), "--unverified", "--yes"));
        const old = await postgres.query("select datname from pg_database where datname like 'simgen_before%'");
        await postgres.query(`drop database ${old}`);
      },
    ];
    for (const turn of round % 2 === 0 ? turns : turns.reverse()) await turn();
  }
  report.progress("verify.sh");
  const verified = await script("verify");
  for (const [subject, ms] of Object.entries(dumps))
    report.add(subject, `backup of ${Math.round(megabytes)} MB`, "ms", ms);
  for (const [subject, ms] of Object.entries(restores)) report.add(subject, "restore of it", "ms", ms);
  for (const [subject, ms] of Object.entries(restores))
    report.add(
      subject,
      "restored a second",
      "MB",
      ms.map((each) => megabytes / (each / 1_000)),
    );
  report.add("holdfast", "proof of it", "ms", [verified]);
} finally {
  await postgres.stop();
  await rm(folder, { recursive: true });
}
report.print();
