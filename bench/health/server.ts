/** A server that is probed; `/spent` says what that has cost so far. Its first argument says which. */
import { createServer } from "node:http";
import { HEALTH_PATHS, Health, healthAnswer } from "@holdfast/health";
import type { Spent } from "../health.ts";

const [subject] = process.argv.slice(2);
let dependencyCalls = 0;
const check = async () => {
  dependencyCalls++;
  return undefined;
};
const names = ["postgres", "redis", "cv", "disk", "memory", "event-loop", "breakers", "backup"];
const health = new Health({ checks: Object.fromEntries(names.map((name) => [name, check])) });
await health.start();
const constant = JSON.stringify({ status: "healthy" });

const server = createServer((request, response) => {
  if (request.url === "/spent") {
    const { user, system } = process.cpuUsage();
    const spent: Spent = { cpuUs: user + system, dependencyCalls };
    return response.end(JSON.stringify(spent));
  }
  const path = HEALTH_PATHS.find((each) => each === request.url);
  if (subject === "floor" || !path)
    return response.writeHead(200, { "content-type": "application/json" }).end(constant);
  const { status, headers, body } = healthAnswer(health, path);
  return response.writeHead(status, headers).end(body);
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.send?.(typeof address === "object" ? address?.port : undefined);
});
