import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { BalancerCalls } from "./balancer-process.ts";
import { Program } from "./program.ts";

test("a program answers calls, and says what went wrong in one", async (t) => {
  const program = await started(t);
  assert.ok((await program.call("port")) > 0);
  await assert.rejects(program.call("hold", [1], undefined as never), /^Error: balancer: TypeError: /);
});

test("calls to a program that ends are rejected, with how it ended", async (t) => {
  const program = await started(t);
  program.signal("SIGSTOP");
  const waiting = program.call("port");
  const rejected = assert.rejects(waiting, /balancer ended \(SIGKILL\): it printed nothing/);
  await program.kill();
  await rejected;
  assert.deepEqual(await program.exited, { code: null, signal: "SIGKILL" });
  await assert.rejects(program.call("port"), /balancer has ended/);
});

test("when the rig is killed, its programs end, the frozen ones too, and its folder goes", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-program-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const rig = spawn(
    process.execPath,
    [
      "--conditions=holdfast-source",
      "--input-type=module-typescript",
      "--eval",
      `
      import { Program } from ${JSON.stringify(new URL("./program.ts", import.meta.url).href)};
      const [folder] = process.argv.slice(1);
      const keeper = await Program.start("keeper", "./keeper.ts", [folder], folder + "/keeper.log");
      const frozen = await Program.start("balancer", "./balancer-process.ts", [], folder + "/frozen.log");
      const other = await Program.start("balancer", "./balancer-process.ts", [], folder + "/other.log");
      await frozen.call("port");
      await other.call("port");
      await keeper.call("watch", frozen.pid);
      frozen.signal("SIGSTOP");
      console.log(JSON.stringify([keeper.pid, frozen.pid, other.pid]));
      `,
      folder,
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  t.after(() => rig.kill("SIGKILL"));
  const pids: number[] = JSON.parse(String((await once(rig.stdout, "data"))[0]));
  rig.kill("SIGKILL");
  while (pids.some(isAlive)) await sleep(20);
  assert.ok(!existsSync(folder));
});

async function started(t: { after: typeof after }): Promise<Program<BalancerCalls>> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-program-"));
  const program = await Program.start<BalancerCalls>("balancer", "./balancer-process.ts", [], join(folder, "log"));
  t.after(async () => {
    await program.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  return program;
}

/** One that has ended and that nobody has asked after, as where no init does, is still in the list: it is not alive. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
