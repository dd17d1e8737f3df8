/** Outlives the rig, whatever ends it: kills what the rig left running, frozen processes too, and removes its folder. */
import { rmSync } from "node:fs";

export type KeeperCalls = {
  watch: (pid: number) => void;
  forget: (pid: number) => void;
};

const [folder] = process.argv.slice(2);
const pids = new Set<number>();

process.on("message", (message: { call: number; name: keyof KeeperCalls; args: [number] }) => {
  if (message.name === "watch") pids.add(message.args[0]);
  else pids.delete(message.args[0]);
  process.send?.({ call: message.call, result: undefined });
});
process.on("disconnect", () => {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It had ended.
    }
  }
  if (folder) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  process.exit();
});
