import assert from "node:assert/strict";
import { test } from "node:test";
import { Resources } from "@holdfast/resources";
import type { Session } from "@holdfast/sessions";
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
