/** An issuer of certificates as Let's Encrypt is one: Pebble, and the names that it asks for lead to this machine. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { get } from "node:https";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../apps/simgen/server/port.fixture.ts";
import type { Installation } from "./installation.ts";

const START_MS_MAX = 20_000;

export interface Issuer {
  /** Its ACME directory. */
  url: string;
  /** What signs its own certificate, a file, and those it issues, PEM. */
  ca: string;
  root: string;
  stop(): Promise<void>;
}

/** It looks for proofs at the HTTP port of this installation. */
export async function startIssuer(stack: Installation, httpPort: number): Promise<Issuer> {
  const [certificate, privateKey] = [join(stack.folder, "issuer.pem"), join(stack.folder, "issuer-key.pem")];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2"];
  await stack.run("openssl", "req", "-x509", ...key, ...names, "-keyout", privateKey, "-out", certificate);
  const [port, management, dns] = await Promise.all([freePort(), freePort(), freePort()]);
  const config = join(stack.folder, "issuer.json");
  const addresses = { listenAddress: `127.0.0.1:${port}`, managementListenAddress: `127.0.0.1:${management}` };
  await writeFile(config, JSON.stringify({ pebble: { ...addresses, certificate, privateKey, httpPort, tlsPort: 1 } }));
  const off = ["-http01", "", "-https01", "", "-tlsalpn01", "", "-management", `127.0.0.1:${await freePort()}`];
  const programs = [
    spawn("pebble-challtestsrv", [
      ...off,
      "-dns01",
      `127.0.0.1:${dns}`,
      "-defaultIPv4",
      "127.0.0.1",
      "-defaultIPv6",
      "",
    ]),
    spawn("pebble", ["-config", config, "-dnsserver", `127.0.0.1:${dns}`], {
      env: { ...process.env, PEBBLE_VA_NOSLEEP: "1", PEBBLE_WFE_NONCEREJECT: "0" },
    }),
  ];
  const stop = async () => {
    for (const program of programs) {
      if (program.exitCode !== null) continue;
      program.kill();
      await once(program, "exit");
    }
  };
  const ca = await readFile(certificate, "utf8");
  for (const deadline = Date.now() + START_MS_MAX; ; await sleep(100)) {
    const root = await fetched(`https://localhost:${management}/roots/0`, ca).catch(() => undefined);
    if (root !== undefined) return { url: `https://localhost:${port}/dir`, ca: certificate, root, stop };
    if (Date.now() > deadline) {
      await stop();
      throw new Error(`the issuer was not up within ${START_MS_MAX} ms`);
    }
  }
}

function fetched(url: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { ca }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text) => {
        body += text;
      });
      response.on("end", () => resolve(body));
    }).on("error", reject);
  });
}
