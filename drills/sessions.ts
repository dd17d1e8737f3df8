/** All drills of sessions, one after the other, with the options given to each. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const DRILLS = [
  "server-killed",
  "server-drained",
  "server-frozen",
  "servers-rolled",
  "clients-half-open",
  "network-cut",
  "redis-emptied",
  "redis-emptied-away",
  "redis-rolled-back",
  "redis-rolled-back-away",
  "redis-frozen",
  "redis-down",
];

const options = process.argv.slice(2);
if (options.includes("--help")) {
  console.log(
    `${DRILLS.join(", ")}\n\nUsage: npm run drill -- sessions [OPTION…]\n  Takes the options of each: npm run drill -- ${DRILLS[0]} --help`,
  );
  process.exit(0);
}

let running: ReturnType<typeof spawn> | undefined;
let stopped: NodeJS.Signals | undefined;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => {
    stopped = signal;
    running?.kill(signal);
  });

const results: { drill: string; ok: boolean; promises: string[]; rows: unknown[] }[] = [];
for (const [index, drill] of DRILLS.entries()) {
  process.stderr.write(`${index + 1} of ${DRILLS.length}: ${drill}\n`);
  results.push(await run(drill));
  if (stopped) break;
}

const broken = results.filter(({ ok }) => !ok).map(({ drill }) => drill);
console.log(
  broken.length === 0 ? `\nall ${results.length} drills kept their promises` : `\nBROKEN: ${broken.join(", ")}`,
);
if (options.includes("--json")) {
  const promises = [...new Set(results.flatMap((result) => result.promises))].sort(
    (a, b) => Number(a.slice(1)) - Number(b.slice(1)),
  );
  const rows = results.flatMap(({ drill, rows: ofDrill }) => ofDrill.map((row) => Object.assign({ drill }, row)));
  console.log(JSON.stringify({ drill: "sessions", ok: broken.length === 0, promises, rows }));
}
process.exit(broken.length === 0 && !stopped ? 0 : 1);

async function run(drill: string): Promise<(typeof results)[number]> {
  const file = fileURLToPath(new URL(`./${drill}.ts`, import.meta.url));
  const given = options.filter((option) => option !== "--json");
  running = spawn(process.execPath, ["--conditions=holdfast-source", file, ...given, "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  running.stdout?.setEncoding("utf8").on("data", (text) => {
    output += text;
  });
  const [status] = await once(running, "close");
  const lines = output.trimEnd().split("\n");
  const last = lines.pop() ?? "";
  console.log(lines.join("\n"));
  try {
    return { ...JSON.parse(last), ok: status === 0 };
  } catch {
    console.log(last);
    return { drill, ok: false, promises: [], rows: [] };
  }
}
