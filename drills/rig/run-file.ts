import type { Run } from "./journal.ts";

/** A run of the handler as a line of a file. */
export function runLine({ client, n, at, server, finished }: Run): string {
  return `${client} ${n} ${at} ${server} ${finished ? "done" : "begun"}\n`;
}

/** The runs in a file of `runLine`s: one that has begun and is done is one run. A line cut short is left out. */
export function parseRuns(text: string): Run[] {
  const runs: Run[] = [];
  const begun = new Map<string, Run>();
  for (const line of text.split("\n")) {
    const [client, n, at, server, state] = line.split(" ");
    if (server === undefined || (state !== "done" && state !== "begun")) continue;
    const key = `${client} ${n} ${at} ${server}`;
    const earlier = begun.get(key);
    if (earlier) {
      earlier.finished = true;
      continue;
    }
    const run = { client: Number(client), n: Number(n), at: Number(at), server, finished: state === "done" };
    runs.push(run);
    if (!run.finished) begun.set(key, run);
  }
  return runs;
}
