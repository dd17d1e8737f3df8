/** An LLM vendor on 127.0.0.1 that speaks OpenAI's chat completions, well or failing, and counts what it is asked. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { answer } from "./program.ts";

const SCENE = {
  name: "a ball",
  bodies: [
    { id: "ground", pos: [0, 0, 0], geoms: [{ type: "plane", size: [10, 10] }] },
    { id: "ball", pos: [0, 0, 1], joints: [{ id: "free", type: "free" }], geoms: [{ type: "sphere", size: [0.1] }] },
  ],
};

export type LlmCalls = {
  port: () => number;
  /** From now on, every request gets this status; 200 is a scene. */
  use: (status: number) => void;
  /** Requests so far. */
  count: () => number;
};

let status = 200;
let requests = 0;

const server = createServer((request, response) => {
  request.resume().on("end", () => {
    requests++;
    if (status === 200) stream(response);
    else {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify({ error: { message: "out of order", type: "server_error", code: null } }));
    }
  });
});

function stream(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  const chunk = (delta: object, finish: string | null) =>
    response.write(
      `data: ${JSON.stringify({
        ...{ id: "drill", object: "chat.completion.chunk", created: 0, model: "drill" },
        choices: [{ index: 0, delta, finish_reason: finish }],
      })}\n\n`,
    );
  chunk({ role: "assistant", content: JSON.stringify(SCENE) }, null);
  chunk({}, "stop");
  response.end("data: [DONE]\n\n");
}

await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
answer<LlmCalls>({
  port: () => (server.address() as AddressInfo).port,
  use: (next) => {
    status = next;
  },
  count: () => requests,
});
