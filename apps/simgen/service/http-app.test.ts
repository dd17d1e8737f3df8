import assert from "node:assert/strict";
import { once } from "node:events";
import { get } from "node:http";
import { connect } from "node:net";
import { test } from "node:test";
import { pino } from "pino";
import { httpApp } from "./http-app.ts";

test("whoever has got in before a server closes is served", async (t) => {
  const app = httpApp({ logger: pino({ level: "silent" }), asProblem: assert.fail });
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<string>();
  app.get("/slow", () => {
    asked.resolve();
    return answer.promise;
  });
  app.get("/", async () => "hello");
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  // Without an agent: it is not kept open after its answer.
  const slow = once(get(`${url}/slow`, { agent: false }), "response");
  await asked.promise;
  const socket = connect(Number(new URL(url).port), "127.0.0.1").setEncoding("utf8");
  t.after(() => socket.destroy());
  await once(socket, "connect");
  const closed = app.close();
  await new Promise(setImmediate);
  socket.write("GET / HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n");
  const [head] = await once(socket, "data");
  assert.match(head, /^HTTP\/1\.1 200 /);
  answer.resolve("done");
  const [{ statusCode }] = await slow;
  assert.equal(statusCode, 200);
  await closed;
});
