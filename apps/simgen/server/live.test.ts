import assert from "node:assert/strict";
import { test } from "node:test";
import { Resources } from "@holdfast/resources";
import type { Session } from "@holdfast/sessions";
import { Problem } from "../service/problem.ts";
import { Conversation } from "./live.ts";
import type { ToClient } from "./messages.ts";

const nobody = { get: () => undefined, watch: () => assert.fail("nobody watches") };
const others = { runs: nobody, resources: new Resources(), onError: assert.fail };

function sessionIn(rooms: string[]): Session<ToClient> {
  const done = async () => true;
  return {
    ...{ id: "s", clientId: "ann", isResumed: false, isOver: false, rooms: new Set(rooms) },
    ...{ send: async () => {}, sendLane: () => true, join: done, leave: done, end: done },
  };
}

test("a watch whose connection ends in the middle of it is left to the next server (S7)", async () => {
  const found = Promise.withResolvers<undefined>();
  const asked = Promise.withResolvers<void>();
  const store = {
    get() {
      asked.resolve();
      return found.promise;
    },
  };
  const conversation = new Conversation(sessionIn([]), { store, ...others });
  const ending = new AbortController();
  const handling = { seq: 1, key: "s:1", reply: () => {}, signal: ending.signal };
  const handled = conversation.message({ type: "watch", simulation: "a" }, handling);
  await asked.promise;
  conversation.end();
  ending.abort();
  found.resolve(undefined);
  await assert.rejects(handled, { name: "AbortError" });
});

test("what a session watched is watched again, though it is not possible at once", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const told: ToClient[] = [];
  let asked = 0;
  const store = {
    async get() {
      asked++;
      throw asked < 3 ? new Problem("database_down", "away") : new Problem("simulation_not_found", "gone");
    },
  };
  const session = { ...sessionIn(["watch:a"]), send: async (message: ToClient) => void told.push(message) };
  const conversation = new Conversation(session, { store, ...others });
  for (let time = 1; time < 4; time++) {
    await new Promise(setImmediate);
    assert.equal(asked, time);
    t.mock.timers.tick(6_000);
  }
  assert.deepEqual(told, [{ type: "error", code: "simulation_not_found", message: "gone", simulation: "a" }]);
  conversation.end();
});

test("so is a message that waits for what the session watched before", async () => {
  const found = Promise.withResolvers<undefined>();
  const store = { get: () => found.promise };
  const conversation = new Conversation(sessionIn(["watch:a"]), { store, ...others });
  const ending = new AbortController();
  const reply = () => assert.fail("it is not handled");
  const handling = { seq: 1, key: "s:1", reply, signal: ending.signal };
  const handled = conversation.message({ type: "reset", simulation: "a" }, handling);
  conversation.end();
  ending.abort();
  found.resolve(undefined);
  await assert.rejects(handled, { name: "AbortError" });
});
