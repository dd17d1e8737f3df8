/** Makes or restores a backup, and kills itself after one of its steps. */
import { makeBackup } from "./make-backup.ts";
import { restoreBackup } from "./restore-backup.ts";

const { does, dataDir, backupDir, step } = JSON.parse(process.argv[2] ?? "{}");

const onStep = (done: string, words: string) => {
  if (step === done || step === `${done} ${words}`) process.kill(process.pid, "SIGKILL");
};

if (does === "backup") await makeBackup({ dataDir, backupDir, onStep });
else await restoreBackup({ dataDir, backupDir, which: "latest", confirm: async () => true, onStep });
