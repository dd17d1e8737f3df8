import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { connect, type WebSocketLike } from "./index.ts";

test("whatever a server says, nothing is thrown: the line stays open, or is given up and tried again", async () => {
  const unit = fc.nat(0xffff).map((code) => String.fromCharCode(code)); // lone surrogates included
  const text = fc.oneof(
    fc.string({ unit }),
    fc.json({ stringUnit: unit }),
    fc
      .tuple(fc.integer({ min: 0, max: 7 }), fc.array(fc.oneof(fc.jsonValue(), fc.nat(3)), { maxLength: 5 }))
      .map(([kind, rest]) => JSON.stringify([kind, ...rest])),
    fc
      .dictionary(
        fc.constantFrom("id", "secret", "epoch", "offset", "resumed", "seq", "heartbeat", "spread"),
        fc.jsonValue(),
      )
      .map((welcome) => JSON.stringify([0, welcome])),
  );
  const said = fc.array(fc.oneof(text, fc.uint8Array({ maxLength: 40 })), { minLength: 1, maxLength: 5 });
  const deep = "[".repeat(50_000) + "]".repeat(50_000);
  await fc.assert(
    fc.asyncProperty(fc.boolean(), said, async (isWelcomed, said) => {
      const connection = connect("ws://localhost/", { WebSocket: Spoken });
      connection.lane("x").on(() => {});
      await null;
      await null;
      const socket = Spoken.last;
      socket.tell("open", {});
      if (isWelcomed)
        socket.tell("message", {
          data: '[0,{"id":"s","secret":"x","epoch":"e","offset":0,"resumed":false,"seq":0,"heartbeat":9,"spread":0}]',
        });
      let hasFailed = false;
      connection.on("retry", () => {
        hasFailed = true;
      });
      for (const data of said) socket.tell("message", { data: typeof data === "string" ? data : data.slice().buffer });
      assert.equal(hasFailed, socket.closedWith !== undefined);
      assert.notEqual(connection.state, "closed");
      connection.close();
      socket.tell("close", { code: 1000 });
    }),
    {
      numRuns: 200,
      examples: [
        [true, [deep]],
        [true, [`[${deep}]`, `[1,1,0,${deep}]`]],
        [false, [`[0,{"id":${deep}}]`]],
      ],
    },
  );
});

/** A WebSocket whose server is the test. */
class Spoken implements WebSocketLike {
  static last: Spoken;
  binaryType = "";
  bufferedAmount = 0;
  closedWith: number | undefined;
  readonly #listeners: Record<string, ((event: never) => void)[]> = {};

  constructor() {
    Spoken.last = this;
  }

  send(): void {}

  close(code?: number): void {
    this.closedWith = code;
  }

  addEventListener(type: string, listener: (event: never) => void): void {
    this.#listeners[type] ??= [];
    this.#listeners[type].push(listener);
  }

  tell(type: string, event: object): void {
    for (const listener of this.#listeners[type] ?? []) listener({ type, ...event } as never);
  }
}
