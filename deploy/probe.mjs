// Summary: asks this container's server how it is; for healthchecks, in images without curl.
// Usage: node deploy/probe.mjs [PATH]   (default: /health/ready)   Exits with 0 for a 2xx answer, with 1 for any other or none.
import { get } from "node:http";

const TIMEOUT_MS = 3000;
const [path = "/health/ready"] = process.argv.slice(2);

get({ host: "127.0.0.1", port: process.env.PORT, path, timeout: TIMEOUT_MS }, (response) => {
  let body = "";
  response.setEncoding("utf8").on("data", (text) => {
    body += text;
  });
  response.on("end", () => {
    process.stdout.write(body);
    process.exit(response.statusCode >= 200 && response.statusCode < 300 ? 0 : 1);
  });
})
  .on("timeout", function late() {
    this.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`));
  })
  .on("error", (error) => {
    process.stdout.write(`${error.message || error.code}\n`);
    process.exit(1);
  });
