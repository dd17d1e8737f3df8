/** A real CV service for tests: its own process and port, ended with the test. And sketches for it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { z } from "zod";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));
/** As in the stack: by default the main thread's garbage may grow to 48 MB before it is looked at. */
const FLAGS = ["--conditions=holdfast-source", "--max-semi-space-size=4"];
const START_TIMEOUT_MS = 30_000;

export interface CvService {
  url: string;
  process: ChildProcess;
  output(): string;
  /** Sends the signal and resolves with the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts one, and resolves when its threads are ready. */
export async function startCv(
  t: { after(end: () => Promise<void>): unknown },
  env: Record<string, string> = {},
): Promise<CvService> {
  const child = spawn(process.execPath, [...FLAGS, MAIN], {
    env: { PATH: process.env.PATH, PORT: "0", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit").then(([code]) => (typeof code === "number" ? code : null));
  const stop = async (signal: NodeJS.Signals = "SIGTERM") => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    return exited;
  };
  t.after(() => stop().then(() => {}));
  let output = "";
  const ready = Promise.withResolvers<string>();
  const read = (chunk: Buffer) => {
    output += chunk;
    const url = /CV is ready: (\S+)/.exec(output)?.[1];
    if (url !== undefined) ready.resolve(url);
  };
  child.stdout.on("data", read);
  child.stderr.on("data", read);
  child.on("exit", (code) => ready.reject(new Error(`exited with ${code}:\n${output}`)));
  const timer = setTimeout(() => ready.reject(new Error(`not ready:\n${output}`)), START_TIMEOUT_MS);
  const url = await ready.promise.finally(() => clearTimeout(timer));
  return { url, process: child, output: () => output, stop };
}

const answerSchema = z.looseObject({
  status: z.union([z.string(), z.number()]).optional(),
  code: z.string().optional(),
  detail: z.string().optional(),
  by: z.string().optional(),
  scene: z.looseObject({ bodies: z.array(z.unknown()) }).optional(),
  recognition: z.looseObject({ shapes: z.array(z.looseObject({ kind: z.string() })) }).optional(),
});

export interface CvAnswer {
  status: number;
  headers: Headers;
  body: z.output<typeof answerSchema>;
}

/** Posts JSON, or bytes with their media type. */
export async function post(url: string, body: unknown, type = "application/json"): Promise<CvAnswer> {
  const isRaw = body instanceof Uint8Array || typeof body === "string";
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": type },
    body: isRaw ? new Blob([typeof body === "string" ? body : new Uint8Array(body)]) : JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, body: answerSchema.parse(await response.json()) };
}

/** A bob on a rod under a hatched ceiling. */
export const PENDULUM = {
  width: 400,
  height: 400,
  strokes: [
    line([100, 60], [300, 60]),
    ...Array.from({ length: 10 }, (_, at) => line([110 + 20 * at, 60], [122 + 20 * at, 44])),
    line([200, 60], [270, 200]),
    ring([283, 226], 30),
  ],
};

/** The same, as an image of some type. */
export async function pictureOf({ width, height, strokes }: typeof PENDULUM, type: "png" | "jpeg" | "webp" = "png") {
  const paths = strokes.map((points) => `<polyline points="${points.join(" ")}"/>`).join("");
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="#fff"/><g fill="none" stroke="#123" stroke-width="4">${paths}</g></svg>`;
  return new Uint8Array(await sharp(Buffer.from(svg)).toFormat(type).toBuffer());
}

type Pair = [x: number, y: number];

function line([x0, y0]: Pair, [x1, y1]: Pair): Pair[] {
  return Array.from({ length: 21 }, (_, at) => [x0 + ((x1 - x0) * at) / 20, y0 + ((y1 - y0) * at) / 20]);
}

function ring([x, y]: Pair, radius: number): Pair[] {
  return Array.from({ length: 49 }, (_, at) => {
    const turn = (2 * Math.PI * at) / 48;
    return [x + radius * Math.cos(turn), y + radius * Math.sin(turn)];
  });
}
