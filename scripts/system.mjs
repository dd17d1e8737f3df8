import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { runStep, StepError, say } from "./child.mjs";
import { ensure } from "./step.mjs";

/** The Debian packages that tests run programs from, and how to see that one is there. */
const PACKAGES = {
  "chromium-headless-shell": () => existsSync("/usr/bin/chromium-headless-shell") || existsSync("/usr/bin/chromium"),
  postgresql: () => versionsIn("/usr/lib/postgresql").some((v) => existsSync(`/usr/lib/postgresql/${v}/bin/postgres`)),
  "redis-server": () => existsSync("/usr/bin/redis-server"),
  shellcheck: () => existsSync("/usr/bin/shellcheck"),
  // What the scripts of recovery/ are made of.
  curl: () => existsSync("/usr/bin/curl"),
  jq: () => existsSync("/usr/bin/jq"),
  openssl: () => existsSync("/usr/bin/openssl"),
  restic: () => existsSync("/usr/bin/restic"),
  zstd: () => existsSync("/usr/bin/zstd"),
};

/** Present while apt works: the tests start servers of their own, the machine's must not start (101: "forbidden"). */
const QUIET_INSTALL = {
  "/usr/sbin/policy-rc.d": "#!/bin/sh\n# For the time of an installation by Holdfast's npm test.\nexit 101\n",
  "/etc/postgresql-common/createcluster.d/holdfast.conf": "create_main_cluster = false\n",
};

/** Installs the system packages that tests need, as root on Debian or Ubuntu. Elsewhere it says what to install and goes on. */
export async function ensureSystemPackages() {
  const missing = () => Object.keys(PACKAGES).filter((name) => !PACKAGES[name]());
  if (missing().length === 0) return;
  const byHand = () => `install ${missing().join(", ")} by hand`;
  if (process.getuid?.() !== 0 || !existsSync("/etc/debian_version"))
    return say(`some tests will fail: ${byHand()} (as root on Debian or Ubuntu, this would)`);
  try {
    await ensure({
      title: `installing ${missing().join(", ")} (apt-get)`,
      isDone: () => missing().length === 0,
      work: () => install(missing()),
    });
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    say(`some tests will fail: ${error.message}\n${error.output}\n${byHand()}`);
  }
}

async function install(names) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  // A file that is there is the administrator's, unless an interrupted run left this very one.
  const written = Object.keys(QUIET_INSTALL).filter(
    (path) => !existsSync(path) || readFileSync(path, "utf8") === QUIET_INSTALL[path],
  );
  const restore = () => {
    for (const path of written) rmSync(path, { force: true });
  };
  process.on("exit", restore);
  try {
    for (const path of written) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, QUIET_INSTALL[path], { mode: 0o755 });
    }
    await runStep("apt-get update", "apt-get", ["update"], env);
    const options = ["-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120"];
    // One by one: Ubuntu, say, has no Chromium package, and gets the others all the same.
    let failure;
    for (const name of names)
      await runStep(`apt-get install ${name}`, "apt-get", ["install", ...options, name], env).catch((error) => {
        failure ??= error;
      });
    if (failure) throw failure;
  } finally {
    restore();
    process.off("exit", restore);
  }
}

function versionsIn(folder) {
  return existsSync(folder) ? readdirSync(folder) : [];
}
