import { connect } from "@holdfast/client";
import type { Message } from "./message.ts";
import type { Connect } from "./subject.ts";

/** `@holdfast/client`, as an application uses it. */
export const connectHoldfast: Connect = (port, { message, frame, failed }) =>
  new Promise((resolve, reject) => {
    const connection = connect<{ toClient: Message; toServer: never }>(`ws://127.0.0.1:${port}/ws`);
    connection.on("message", message);
    connection.lane("frames").on((bytes) => frame(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)));
    connection.on("open", ({ id }) => resolve({ id, close: () => connection.close() }));
    connection.on("retry", ({ code, reason }) => failed(`lost its line: ${code} ${reason}`));
    connection.on("gap", () => failed("was told of a gap"));
    connection.on("closed", ({ code, reason }) => {
      failed(`closed: ${code} ${reason}`);
      reject(new Error(`closed: ${code} ${reason}`));
    });
  });
