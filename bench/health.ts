/** What a probe costs the server that is probed, a thousand at once, beside a server that answers with a constant. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { Agent, get } from "node:http";
import { fileURLToPath } from "node:url";
import { Report } from "./report.ts";

export interface Spent {
  cpuUs: number;
  dependencyCalls: number;
}

const PROBES = 1_000;
const SERVER = fileURLToPath(new URL("health/server.ts", import.meta.url));
const SUBJECTS = ["holdfast", "floor"] as const;
const PATHS = ["/health", "/health/live", "/health/ready"];

const report = new Report("health", "What health probes cost, a thousand at once.");
const rounds = report.quick ? 3 : 15;
const agent = new Agent({ keepAlive: true, maxSockets: PROBES });

function ask(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text) => {
        body += text;
      });
      response.on("end", () => resolve(body));
    }).on("error", reject);
  });
}

for (const path of PATHS) {
  for (const subject of SUBJECTS) {
    report.progress(`${path}: ${subject}`);
    const child = fork(SERVER, [subject], { execArgv: ["--conditions=holdfast-source"] });
    const [port] = await once(child, "message");
    const url = `http://127.0.0.1:${port}`;
    const spent = async (): Promise<Spent> => JSON.parse(await ask(`${url}/spent`));
    const burst = () => Promise.all(Array.from({ length: PROBES }, () => ask(url + path)));
    // Connections are made, and the code is warm.
    for (let round = 0; round < 3; round++) await burst();
    const costs: number[] = [];
    const all: number[] = [];
    let calls = 0;
    for (let round = 0; round < rounds; round++) {
      const before = await spent();
      const begun = performance.now();
      await burst();
      all.push(performance.now() - begun);
      const after = await spent();
      costs.push((after.cpuUs - before.cpuUs) / PROBES);
      calls += after.dependencyCalls - before.dependencyCalls;
    }
    report.add(subject, `${path}, CPU a probe`, "µs", costs);
    report.add(subject, `${path}, all ${PROBES} answered`, "ms", all);
    // Checks go on in the background, each every five seconds; probes make no more of them.
    report.add(subject, `${path}, dependency calls for ${rounds * PROBES} probes`, "", [calls]);
    child.kill();
    await once(child, "exit");
  }
}
agent.destroy();
report.print();
