/** alert.sh as it is run, with a server that gets its messages, one that gets its mails, and a service to look at. */
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import { access, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Health, healthAnswer } from "@holdfast/health";
import { freePort } from "../apps/simgen/server/port.fixture.ts";
import { startPostgres } from "../apps/simgen/server/postgres.fixture.ts";
import { Inbox } from "./inbox.fixture.ts";

const SCRIPT = new URL("alert.sh", import.meta.url).pathname;
const HOUR_SECONDS = 3600;
const execute = promisify(execFile);

type Environment = Record<string, string>;
type Fields = Record<string, unknown>;

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

test("a backup that is too old is told once, and that there is one again is told once", async (t) => {
  const { check, verified, inbox, messages } = await start(t);
  await verified(25);
  assert.deepEqual(await check(), { code: 0, bad: [], sent: 0, pending: 0 });
  await verified(27);
  assert.deepEqual(await check(), { code: 10, bad: ["backup"], sent: 1, pending: 0 });
  assert.deepEqual(await check(), { code: 10, bad: ["backup"], sent: 0, pending: 0 });
  await verified(1);
  assert.deepEqual(await check(), { code: 0, bad: [], sent: 1, pending: 0 });
  assert.deepEqual(await check(), { code: 0, bad: [], sent: 0, pending: 0 });

  assert.equal(inbox.hooks.length, 2);
  const [bad, good] = messages();
  assert.match(
    String(bad?.text),
    /^Holdfast on host-1: backup is bad since \S+Z: the newest verified backup is of \S+Z, 27 h ago: expected at most 26 h$/,
  );
  assert.match(String(good?.text), /^Holdfast on host-1: backup is good again, after \d+ s$/);
  for (const [message, state] of [
    [bad, "bad"],
    [good, "good"],
  ] as const) {
    const { text, since, ...others } = message ?? {};
    assert.ok(typeof text === "string" && Math.abs(Date.parse(String(since)) - Date.now()) < 60_000, String(since));
    assert.deepEqual(others, { condition: "backup", state, host: "host-1" });
  }
});

test("a mail is one that mail servers take: from, to each, with a subject, a date and an id", async (t) => {
  const { check, verified, inbox } = await start(t, { mail: true, hook: false });
  await verified("grün");
  assert.deepEqual(await check(), { code: 10, bad: ["backup"], sent: 1, pending: 0 });
  const [mail] = inbox.mails;
  assert.ok(mail);
  assert.deepEqual([mail.from, mail.to], ["<holdfast@example.org>", ["<a@example.org>", "<b@example.org>"]]);
  assert.doesNotMatch(mail.data, /[^\r]\n|\r[^\n]/, "every line ends with CRLF");
  const [head = "", ...body] = mail.data.split("\r\n\r\n");
  const headers = Object.fromEntries(head.split("\r\n").map((line) => line.split(/: (.*)/).slice(0, 2)));
  const { Date: date, "Message-ID": id, ...others } = headers;
  assert.ok(Math.abs(Date.parse(date) - Date.now()) < 60_000, date);
  assert.match(id, /^<\d+\.\d+@host-1>$/);
  assert.deepEqual(others, {
    From: "holdfast@example.org",
    To: "a@example.org, b@example.org",
    Subject: "Holdfast on host-1: backup is bad",
    "Auto-Submitted": "auto-generated",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Transfer-Encoding": "base64",
  });
  assert.match(Buffer.from(body.join(""), "base64").toString(), /^Holdfast on host-1: backup is bad .* got grün\n$/);
});

test("what did not arrive is tried again on that way only", async (t) => {
  const { run, check, verified, inbox } = await start(t, { mail: true });
  inbox.hookStatus = 500;
  await verified(27);
  assert.deepEqual(await check(), { code: 1, bad: ["backup"], sent: 1, pending: 1 });
  assert.match((await run("status")).stdout, /^backup: bad since .*\n {2}the newest .*\n {2}not told yet by webhook$/m);
  assert.deepEqual(await check(), { code: 1, bad: ["backup"], sent: 0, pending: 1 });
  assert.match((await run("check")).stderr, /by webhook, and is tried again at the next look: HTTP 500\n/);
  inbox.hookStatus = 204;
  assert.deepEqual(await check(), { code: 10, bad: ["backup"], sent: 1, pending: 0 });
  assert.deepEqual(await check(), { code: 10, bad: ["backup"], sent: 0, pending: 0 });
  assert.deepEqual([inbox.hooks.length, inbox.mails.length], [1, 1]);

  inbox.refusesMail = true;
  await verified(1);
  assert.deepEqual(await check(), { code: 1, bad: [], sent: 1, pending: 1 });
  inbox.refusesMail = false;
  assert.deepEqual(await check(), { code: 0, bad: [], sent: 1, pending: 0 });
  assert.deepEqual([inbox.hooks.length, inbox.mails.length], [2, 2]);
});

test("only 2xx is an arrival: a redirection is none", async (t) => {
  const { check, verified, inbox } = await start(t);
  inbox.hookStatus = 302;
  await verified(27);
  assert.deepEqual(await check(), { code: 1, bad: ["backup"], sent: 0, pending: 1 });
});

test("what was bad, could not be told, and is good again, is one message", async (t) => {
  const { check, verified, inbox, messages } = await start(t, { mail: true });
  inbox.hookStatus = 500;
  await verified(27);
  await check();
  await verified(1);
  assert.deepEqual(await check(), { code: 1, bad: [], sent: 1, pending: 1 });
  inbox.hookStatus = 200;
  assert.deepEqual(await check(), { code: 0, bad: [], sent: 1, pending: 0 });
  const [message, ...others] = messages();
  assert.match(
    String(message?.text),
    /^Holdfast on host-1: backup was bad since \S+Z, and is good again, after \d+ s: the newest verified backup is of /,
  );
  assert.deepEqual([message?.state, others, inbox.mails.length], ["good", [], 2]);
});

test("what turns bad again before it was told that it is good is one message", async (t) => {
  const { check, verified, inbox, messages } = await start(t);
  await verified(27);
  await check();
  inbox.hookStatus = 500;
  await verified(1);
  await check();
  await verified("nonsense");
  assert.deepEqual(await check(), { code: 1, bad: ["backup"], sent: 0, pending: 1 });
  inbox.hookStatus = 200;
  assert.deepEqual(await check(), { code: 10, bad: ["backup"], sent: 1, pending: 0 });
  assert.deepEqual(
    messages().map(({ text }) => String(text).slice(0, 37)),
    ["Holdfast on host-1: backup is bad sin", "Holdfast on host-1: backup is bad sin"],
  );
});

test("what stays bad is said again after ALERT_REPEAT_HOURS, on each way by itself, or never", async (t) => {
  const { check, verified, inbox, messages, edit } = await start(t, { mail: true });
  await verified(27);
  await check();
  await edit("backup", (record) => {
    const told = fields(record.told);
    const webhook = fields(told.webhook);
    return { ...record, told: { ...told, webhook: { ...webhook, at: Number(webhook.at) - 24 * HOUR_SECONDS } } };
  });
  assert.deepEqual(await check({ ALERT_REPEAT_HOURS: "0" }), { code: 10, bad: ["backup"], sent: 0, pending: 0 });
  assert.deepEqual(await check({ ALERT_REPEAT_HOURS: "25" }), { code: 10, bad: ["backup"], sent: 0, pending: 0 });
  assert.deepEqual(await check(), { code: 10, bad: ["backup"], sent: 1, pending: 0 });
  assert.deepEqual(await check(), { code: 10, bad: ["backup"], sent: 0, pending: 0 });
  assert.equal(inbox.mails.length, 1);
  assert.match(String(messages()[1]?.text), /backup is still bad, since \S+Z: the newest verified/);
});

test("a way that is new hears of what is bad, and not of what was", async (t) => {
  const { check, verified, inbox, messages } = await start(t, { mail: true, hook: false });
  const hook = { ALERT_WEBHOOK_URL: `${inbox.url}/hook` };
  await verified(27);
  await check();
  await verified(1);
  await check();
  assert.deepEqual(await check(hook), { code: 0, bad: [], sent: 0, pending: 0 });
  await verified(27);
  await check();
  assert.deepEqual(await check(hook), { code: 10, bad: ["backup"], sent: 1, pending: 0 });
  assert.equal(messages()[0]?.state, "bad");
});

test("without a backup, a new installation has as long until its first as later from one to the next", async (t) => {
  const { check, messages, edit } = await start(t);
  const looked = (hours: number) =>
    edit("backup", (record) => ({ ...record, first: Math.floor(Date.now() / 1000) - hours * HOUR_SECONDS }));
  assert.deepEqual(await check(), { code: 0, bad: [], sent: 0, pending: 0 });
  await looked(25);
  assert.deepEqual(await check(), { code: 0, bad: [], sent: 0, pending: 0 });
  await looked(27);
  assert.deepEqual(await check(), { code: 10, bad: ["backup"], sent: 1, pending: 0 });
  assert.match(String(messages()[0]?.text), /: there is no \S+\/last-verified: no backup was verified yet$/);
});

test("a last-verified that holds no time, or one to come, is bad at once", async (t) => {
  const { run, check, dir, verified } = await start(t, { hook: false });
  const good = new Date(Date.now() + HOUR_SECONDS * 1000).toISOString().replace("Z", "+01:00");
  for (const [content, got] of [
    ["", "got nothing"],
    ["tomorrow", "expected a time like 2026-11-29T02:00:00Z, got tomorrow"],
    ["2026-02-31T02:00:00Z", "got 2026-02-31T02:00:00Z"],
    ["2999-01-01T00:00:00Z", "expected a time that is past, got 2999-01-01T00:00:00Z"],
    ["x".repeat(1_000_000), `got ${"x".repeat(100)}\n`],
  ] as const) {
    await verified(content);
    const { code, stderr } = await run("check");
    assert.equal(code, 10, stderr);
    assert.ok(stderr.includes(got), stderr);
    await verified(good);
    assert.equal((await check()).code, 0);
  }
  await rm(join(dir, "last-verified"));
  await mkdir(join(dir, "last-verified"));
  assert.match((await run("check")).stderr, /backup is bad .*\/last-verified cannot be read\n/);
});

test("health is bad when it says so for long enough, by the names of what fails", async (t) => {
  const { check, verified, inbox, messages, edit } = await start(t);
  await verified(1);
  const down = { failAfter: 1, probe: () => Promise.reject(new Error("down")) };
  const up = async () => undefined;
  const answers = async (checks: ConstructorParameters<typeof Health>[0]) => {
    const health = new Health(checks);
    await health.start();
    health.close();
    const { status, body } = healthAnswer(health, "/health");
    inbox.health = { status, body };
  };
  const env = { HEALTH_URL: `${inbox.url}/health` };
  await answers({ checks: { database: up, llm: { ...down, kind: "optional" } } });
  assert.deepEqual(await check(env), { code: 0, bad: [], sent: 0, pending: 0 }, "degraded is not bad");

  await answers({ checks: { redis: down, database: up, "event loop": down } });
  assert.deepEqual(await check(env), { code: 0, bad: [], sent: 0, pending: 0 });
  const failsFor = (seconds: number) =>
    edit("health", (record) => ({ ...record, failingSince: Math.floor(Date.now() / 1000) - seconds }));
  await failsFor(170);
  assert.deepEqual(await check(env), { code: 0, bad: [], sent: 0, pending: 0 });
  await failsFor(1000);
  const { body } = inbox.health;
  await answers({ checks: { database: up } });
  assert.deepEqual(await check(env), { code: 0, bad: [], sent: 0, pending: 0 });
  inbox.health = { status: 503, body };
  assert.deepEqual(await check(env), { code: 0, bad: [], sent: 0, pending: 0 }, "a good answer lay between");
  await failsFor(181);
  assert.deepEqual(await check(env), { code: 10, bad: ["health"], sent: 1, pending: 0 });
  assert.match(String(messages()[0]?.text), /health is bad since \S+Z: HTTP 503; not passing: redis, event loop$/);
  await answers({ checks: { database: up } });
  assert.deepEqual(await check(env), { code: 0, bad: [], sent: 1, pending: 0 });
  assert.match(String(messages()[1]?.text), /health is good again, after 3 min$/);
});

test("health is bad when what answers is not the service, nothing does, or not whole within 10 s", async (t) => {
  const { check, verified, inbox, messages } = await start(t, { env: { HEALTH_BAD_MINUTES: "0" } });
  await verified(1);
  const env = { HEALTH_URL: `${inbox.url}/health` };
  const expectBad = async (health: string, said: RegExp) => {
    assert.deepEqual(await check({ HEALTH_URL: health }), { code: 10, bad: ["health"], sent: 1, pending: 0 });
    assert.match(String(messages().at(-1)?.text), said);
    inbox.hangsOn = "";
    inbox.health = { status: 200, body: "{}" };
    assert.equal((await check(env)).code, 0);
  };
  inbox.health = { status: 502, body: "<html>\nBad Gateway</html>\n" };
  await expectBad(env.HEALTH_URL, /: HTTP 502$/);
  inbox.health = { status: 301, body: "" };
  await expectBad(env.HEALTH_URL, /: HTTP 301$/);
  await expectBad(`http://127.0.0.1:${await freePort()}/health`, /: no answer: Failed to connect /);
  inbox.hangsOn = "/health";
  const since = Date.now();
  await expectBad(env.HEALTH_URL, /: no answer: Operation timed out /);
  assert.ok(Date.now() - since < 20_000);
});

test("wal is bad when nothing takes from the slot, or there is none; a database that is away changes nothing", async (t) => {
  const postgres = await startPostgres(t);
  const { dir, check, verified, messages } = await start(t, {
    env: { HEALTH_BAD_MINUTES: "0", WAL_SLOT: "holdfast_wal", DATABASE_URL: postgres.url.replace("@", ":@") },
  });
  await verified(1);
  const sql = async (query: string) => (await execute("psql", [postgres.url, "-XAtc", query])).stdout.trim();
  assert.deepEqual(await check(), { code: 10, bad: ["wal"], sent: 1, pending: 0 });
  assert.match(String(messages()[0]?.text), /wal is bad .*: the database has no replication slot holdfast_wal$/);
  await sql("SELECT pg_create_physical_replication_slot('holdfast_wal')");
  assert.deepEqual(await check(), { code: 10, bad: ["wal"], sent: 0, pending: 0 });

  const receiver = spawn("pg_receivewal", ["-d", postgres.url, "-D", dir, "-S", "holdfast_wal"], { stdio: "ignore" });
  const receiverEnded = once(receiver, "exit");
  t.after(() => receiver.kill());
  while ((await sql("SELECT active FROM pg_replication_slots")) !== "t") await sleep(50);
  assert.deepEqual(await check(), { code: 0, bad: [], sent: 1, pending: 0 });
  receiver.kill("SIGTERM");
  await receiverEnded;
  while ((await sql("SELECT active FROM pg_replication_slots")) !== "f") await sleep(50);
  assert.deepEqual(await check(), { code: 10, bad: ["wal"], sent: 1, pending: 0 });
  assert.match(
    String(messages()[2]?.text),
    /: nothing takes the log of changes from the replication slot holdfast_wal$/,
  );

  await postgres.stop();
  assert.deepEqual(await check(), { code: 10, bad: ["wal"], sent: 0, pending: 0 });
  assert.deepEqual(await check({ WAL_SLOT: "" }), { code: 0, bad: [], sent: 0, pending: 0 }, "not looked at any more");
});

test("the disk is bad when less than DISK_FREE_PERCENT_MIN of it is free", async (t) => {
  const { check, verified, messages } = await start(t);
  await verified(1);
  assert.deepEqual(await check({ DISK_FREE_PERCENT_MIN: "0" }), { code: 0, bad: [], sent: 0, pending: 0 });
  const full = { DISK_FREE_PERCENT_MIN: "100" };
  assert.deepEqual(await check(full), { code: 10, bad: ["disk"], sent: 1, pending: 0 });
  assert.match(
    String(messages()[0]?.text),
    /disk is bad .*: \d+ % of the file system of \S+ are free: expected 100 % or more$/,
  );
});

test("a damaged state is said and begun anew", async (t) => {
  const { run, dir, verified } = await start(t);
  await verified(1);
  await run("check");
  const file = join(dir, ".alerts", "disk.json");
  const whole = await readFile(file, "utf8");
  for (const damaged of [
    "",
    "{",
    "[]",
    "null",
    "\0".repeat(200),
    whole.slice(0, 50),
    whole + whole,
    '{"state":"bad"}',
  ]) {
    await writeFile(file, damaged);
    assert.match((await run("status")).stdout, /^disk: not known, \S+disk\.json is damaged$/m, damaged);
    const { code, stderr } = await run("check");
    assert.deepEqual([code, stderr.replace(/^\S+ /, "")], [0, `alert: ${file} is damaged: begun anew\n`], damaged);
    assert.equal((await run("check")).stderr, "");
  }
  // Whoever had a state is no new installation, which could wait for its first backup.
  await rm(join(dir, "last-verified"));
  await writeFile(join(dir, ".alerts", "backup.json"), "");
  assert.equal((await run("check")).code, 10);
});

test("a state that cannot be kept is a failure, what is bad is told, and nobody is pinged", async (t) => {
  const { run, dir, verified, inbox } = await start(t, { ping: true });
  await verified(27);
  await mkdir(join(dir, ".alerts", "backup.json.new"), { recursive: true });
  const { code, stderr } = await run("check");
  assert.equal(code, 1);
  assert.match(stderr, /backup\.json cannot be written: what is said now may be said again\n/);
  assert.deepEqual([inbox.hooks.length, inbox.pings], [1, 0]);
});

test("each look that worked is pinged, whatever it saw; one that leaves a message behind is not", async (t) => {
  const { run, check, verified, inbox } = await start(t, { ping: true });
  await verified(1);
  await check();
  assert.equal(inbox.pings, 1);
  inbox.hookStatus = 500;
  await verified(27);
  assert.equal((await check()).code, 1);
  assert.equal(inbox.pings, 1);
  inbox.hookStatus = 200;
  assert.equal((await check()).code, 10);
  assert.equal(inbox.pings, 2);
  inbox.pingStatus = 404;
  const { code, stderr } = await run("check");
  assert.deepEqual([code, stderr.replace(/^\S+ /, "")], [10, "alert: PING_URL: HTTP 404\n"]);
});

test("without a way to tell anybody, it looks, and says it", async (t) => {
  const { run, verified } = await start(t, { hook: false });
  await verified(27);
  const { code, stdout, stderr } = await run("check");
  assert.equal(code, 10);
  assert.deepEqual({ ...fields(JSON.parse(stdout)), at: "" }, { at: "", bad: ["backup"], sent: 0, pending: 0 });
  assert.match(stderr, /alert: nobody is told: neither ALERT_WEBHOOK_URL nor ALERT_SMTP_URL is set\n/);
  assert.match(stderr, /alert: Holdfast on host-1: backup is bad since /);
});

test("test says of each way whether a message arrived", async (t) => {
  const { run, inbox, messages } = await start(t, { mail: true });
  const both = await run("test");
  assert.deepEqual(
    [both.code, both.stderr.replace(/^\S+ /gm, "")],
    [0, "alert: webhook: it arrived\nalert: mail: it arrived\n"],
  );
  assert.equal(messages()[0]?.condition, "test");
  assert.equal(inbox.mails.length, 1);
  inbox.refusesMail = true;
  const one = await run("test");
  assert.equal(one.code, 1);
  assert.match(one.stderr, /alert: webhook: it arrived\n.*alert: mail: it did not arrive: curl: \(\d+\) .*451/);
  const none = await run("test", { ALERT_WEBHOOK_URL: "", ALERT_SMTP_URL: "", ALERT_MAIL_TO: "" });
  assert.equal(none.code, 2);
  assert.match(
    none.stderr,
    /alert: expected ALERT_WEBHOOK_URL or ALERT_SMTP_URL, got neither: nobody would be told\n$/,
  );
});

test("only one is at work; who asks for the status is not in its way", async (t) => {
  const { run, verified, inbox } = await start(t);
  await verified(1);
  const env = { HEALTH_URL: `${inbox.url}/health` };
  inbox.hangsOn = "/health";
  const first = run("check", env);
  await once(inbox, "/health");
  const second = await run("check", env);
  assert.equal(second.code, 3);
  assert.match(second.stderr, /^\S+ alert: another one is at work in \S+\/\.alerts\n$/);
  assert.match((await run("status", env)).stdout, /^backup: good since /m);
  inbox.release();
  assert.equal((await first).code, 0);
});

test("watch tells what changes while it runs, and the next one knows what it told", async (t) => {
  const { begin, check, verified, inbox, messages } = await start(t);
  await verified(1);
  const watch = begin("watch", { ALERT_INTERVAL_SECONDS: "1" });
  await once(watch.stdout, "data");
  for (const hours of [27, 1, 27]) {
    const told = once(inbox, "/hook");
    await verified(hours);
    await told;
  }
  watch.kill("SIGTERM");
  assert.deepEqual(await once(watch, "exit"), [0, null]);
  assert.deepEqual(
    messages().map(({ state }) => state),
    ["bad", "good", "bad"],
  );
  // Killed right after a message has arrived, it may not have noted so, and tells it once more.
  assert.ok((await check()).sent <= 1);
  assert.deepEqual(await check(), { code: 10, bad: ["backup"], sent: 0, pending: 0 });
});

test("watch ends at once, in a pause and in a look, and leaves nothing behind", async (t) => {
  const { begin, check, verified, inbox } = await start(t);
  await verified(1);
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const pausing = begin("watch", { ALERT_INTERVAL_SECONDS: "987" });
    await once(pausing.stdout, "data");
    while (!commands().some((command) => command.includes("sleep 987"))) await sleep(20);
    await endsAtOnce(pausing, signal);
    // Its sleep has been ended, which takes its moment.
    for (
      const deadline = Date.now() + 2_000;
      commands().some((command) => command.includes("sleep 987"));
      await sleep(20)
    )
      assert.ok(Date.now() < deadline, "its sleep goes on");

    inbox.hangsOn = "/health";
    const looking = begin("watch", { HEALTH_URL: `${inbox.url}/health` });
    const [hanging]: ServerResponse[] = await once(inbox, "/health");
    assert.ok(hanging);
    const left = once(hanging, "close");
    await endsAtOnce(looking, signal);
    await left;
    inbox.hangsOn = "";
    assert.equal((await check()).code, 0, "nobody holds the lock");
  }
});

test("nothing secret is in an argument, whatever it waits for", async (t) => {
  const { begin, dir, verified, inbox } = await start(t, { ping: true, mail: true });
  await verified(27);
  const names = ["ALERT_WEBHOOK_URL", "ALERT_SMTP_URL", "PING_URL"] as const;
  const secrets = [`${inbox.url}/hook?s3cret-1`, inbox.smtpUrl, `${inbox.url}/ping?s3cret-3`];
  const env: Environment = {};
  for (const [i, name] of names.entries()) {
    await writeFile(join(dir, name), `${secrets[i]}\n`);
    Object.assign(env, { [name]: "", [`${name}_FILE`]: join(dir, name) });
  }
  const seen = () => {
    const all = commands();
    assert.ok(all.some((command) => command.startsWith("curl ") && command.includes("--max-time")));
    for (const secret of secrets) assert.ok(!all.some((command) => command.includes(secret)), secret);
  };
  const child = begin("check", env);
  const ended = once(child, "exit");
  inbox.hangsOn = "/hook";
  await once(inbox, "/hook");
  seen();
  inbox.hangsOn = "mail";
  const mail = once(inbox, "mail");
  inbox.release();
  await mail;
  seen();
  inbox.hangsOn = "/ping";
  const ping = once(inbox, "/ping");
  inbox.release();
  await ping;
  seen();
  inbox.release();
  assert.deepEqual(await ended, [10, null]);
});

test("a password is told to no mail server that has no TLS", async (t) => {
  const { check, verified, inbox } = await start(t, { hook: false, mail: true });
  await verified(27);
  const env = { ALERT_SMTP_URL: inbox.smtpUrl.replace("//", "//user:s3cret@") };
  assert.deepEqual(await check(env), { code: 1, bad: ["backup"], sent: 0, pending: 1 });
  assert.match(inbox.smtpLines.join("\n"), /^EHLO \S+(\nQUIT)?$/);
});

test("--help says what it does, what can be set, and what it exits with", async (t) => {
  const { run } = await start(t);
  const { code, stdout, stderr } = await run("--help");
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /^Summary: .*\nUsage: recovery\/alert\.sh check /);
  assert.match(stdout, /\nExits with: .*\n.*\n$/);
  const script = await readFile(SCRIPT, "utf8");
  for (const [, name] of script.matchAll(/^ +(?:number|expect|secret) ([A-Z_]+)/gm))
    assert.match(stdout, new RegExp(`\\b${name}\\b`));
});

test("what is wrong in the usage or the settings is said before anything is done", async (t) => {
  const { run, dir } = await start(t, { mail: true });
  for (const [command, got] of [
    ["", "nothing"],
    ["--no-such-option", "--no-such-option"],
    ["check now", "check now"],
  ] as const) {
    const { code, stderr } = await run(command);
    assert.equal(code, 2);
    assert.match(
      stderr,
      new RegExp(`^\\S+ alert: expected check, watch, test, status or alive, got ${got}\nSummary: `),
    );
  }
  const http = "expected http://… or https://…, got something else";
  for (const [name, value, message] of [
    ["BACKUP_AGE_HOURS_MAX", "0", "expected a whole number of 1 or more, got 0"],
    ["HEALTH_BAD_MINUTES", "3m", "expected a whole number of 0 or more, got 3m"],
    ["ALERT_REPEAT_HOURS", "-1", "expected a whole number of 0 or more, got -1"],
    ["ALERT_INTERVAL_SECONDS", "0", "expected a whole number of 1 or more, got 0"],
    ["DISK_FREE_PERCENT_MIN", "101", "expected a whole number of 0 to 100, got 101"],
    ["ALERT_WEBHOOK_URL", "hooks.example.org/s3cret", http],
    ["PING_URL", "file:///etc/passwd", http],
    ["HEALTH_URL", 'http://x/"\noutput = "/tmp/x', http],
    ["ALERT_SMTP_URL", "mail:25", "expected smtp://HOST:PORT or smtps://USER:PASSWORD@HOST:PORT, got something else"],
    ["ALERT_SMTP_URL", "", "expected smtp://HOST:PORT or smtps://USER:PASSWORD@HOST:PORT, got nothing"],
    ["ALERT_MAIL_FROM", "", "expected an address, got nothing"],
    ["ALERT_MAIL_FROM", "Holdfast <a@example.org>", "expected an address, got Holdfast <a@example.org>"],
    [
      "ALERT_MAIL_TO",
      "a@example.org b@example.org",
      "expected addresses with commas between, got a@example.org b@example.org",
    ],
    ["ALERT_MAIL_TO", "", "expected addresses with commas between, got nothing"],
    ["WAL_SLOT", "x'; --", "expected the name of a replication slot, of small letters, digits and _, got x'; --"],
    ["PING_URL_FILE", "/nowhere", "expected a file that can be read, got /nowhere"],
  ] as const) {
    const { code, stdout, stderr } = await run("check", { [name]: value });
    assert.deepEqual([code, stdout, stderr.replace(/^\S+ /, "")], [2, "", `alert: ${name}: ${message}\n`]);
  }
  await assert.rejects(access(join(dir, ".alerts")), { code: "ENOENT" });
});

// ---- what it runs among ----

interface Options {
  hook?: boolean;
  mail?: boolean;
  ping?: boolean;
  env?: Environment;
}

async function start(t: TestContext, { hook = true, mail = false, ping = false, env = {} }: Options = {}) {
  const dir = await mkdtemp(join(tmpdir(), "holdfast-alert-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const inbox = await Inbox.start(t);
  const settings: Environment = {
    PATH: process.env.PATH ?? "",
    HOSTNAME: "host-1",
    BACKUP_DIR: dir,
    // The disk of whoever tests is no matter of theirs.
    DISK_FREE_PERCENT_MIN: "0",
    ...(hook && { ALERT_WEBHOOK_URL: `${inbox.url}/hook` }),
    ...(ping && { PING_URL: `${inbox.url}/ping` }),
    ...(mail && {
      ALERT_SMTP_URL: inbox.smtpUrl,
      ALERT_MAIL_FROM: "holdfast@example.org",
      ALERT_MAIL_TO: "a@example.org,b@example.org",
    }),
    ...env,
  };
  const begin = (command: string, more: Environment = {}) => {
    const child = spawn(SCRIPT, command.split(" ").filter(Boolean), {
      env: { ...settings, ...more },
      stdio: ["ignore", "pipe", "pipe"],
    });
    t.after(() => {
      child.kill("SIGKILL");
      // What it may have left behind holds these open.
      child.stdout.destroy();
      child.stderr.destroy();
    });
    return child;
  };
  const run = async (command: string, more: Environment = {}): Promise<Ended> => {
    const child = begin(command, more);
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      stdout += chunk;
    });
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      stderr += chunk;
    });
    await once(child, "close");
    return { code: child.exitCode, stdout, stderr };
  };
  return {
    dir,
    inbox,
    begin,
    run,
    messages: () => inbox.hooks.map((body) => fields(JSON.parse(body))),
    /** A look: its exit code and its line, but for the time, which has to be now. */
    check: async (more: Environment = {}) => {
      const { code, stdout, stderr } = await run("check", more);
      assert.match(stdout, /^\{.*\}\n$/, stderr);
      const { at, bad, sent, pending } = fields(JSON.parse(stdout));
      assert.ok(Math.abs(Date.parse(String(at)) - Date.now()) < 60_000, String(at));
      return { code, bad, sent: Number(sent), pending };
    },
    /** What last-verified holds: a time so many hours ago, or this text. */
    verified: async (content: number | string) => {
      const time = (hours: number) =>
        `${new Date(Date.now() - hours * HOUR_SECONDS * 1000).toISOString().slice(0, 19)}Z\n`;
      await writeFile(join(dir, "last-verified.new"), typeof content === "string" ? content : time(content));
      await rename(join(dir, "last-verified.new"), join(dir, "last-verified"));
    },
    edit: async (condition: string, change: (record: Fields) => Fields) => {
      const file = join(dir, ".alerts", `${condition}.json`);
      await writeFile(file, `${JSON.stringify(change(fields(JSON.parse(await readFile(file, "utf8")))))}\n`);
    },
  };
}

async function endsAtOnce(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const since = Date.now();
  const exited = once(child, "exit");
  child.kill(signal);
  assert.deepEqual(await exited, [0, null]);
  assert.ok(Date.now() - since < 5000, `${signal}: ${Date.now() - since} ms`);
}

/** What everybody sees of all processes: their arguments. */
function commands(): string[] {
  return globSync("/proc/[0-9]*/cmdline").map((file) => {
    try {
      return readFileSync(file, "utf8").replaceAll("\0", " ");
    } catch {
      return "";
    }
  });
}

function fields(value: unknown): Fields {
  assert.ok(typeof value === "object" && value !== null);
  return { ...value };
}
