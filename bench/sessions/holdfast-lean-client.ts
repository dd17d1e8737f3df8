import { encodeAck, encodeHello, PROTOCOL_VERSION, step } from "@holdfast/protocol";
import { WebSocket } from "ws";
import type { Connect } from "./subject.ts";

const ACK_AFTER_MESSAGES = 64;
const ACK_AFTER_MS = 200;

/** Keeps to the protocol as `@holdfast/client` does, acknowledgements and answers to pings included, but never comes back. */
export const connectLean: Connect = (port, { message, frame, failed }) =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, { perMessageDeflate: false, skipUTF8Validation: true });
    let id = "";
    let read = 0;
    let acknowledged = 0;
    let timer: NodeJS.Timeout | undefined;
    const acknowledge = () => {
      clearTimeout(timer);
      timer = undefined;
      acknowledged = read;
      if (socket.readyState === WebSocket.OPEN) socket.send(encodeAck(read));
    };
    socket.on("open", () => socket.send(encodeHello({ v: PROTOCOL_VERSION, n: 1 })));
    socket.on("message", (data: Buffer, isBinary) => {
      if (isBinary) return frame(data.subarray(1 + (data[0] ?? 0)));
      const received = JSON.parse(data.toString());
      switch (received[0]) {
        case 0:
          id = received[1].id;
          read = acknowledged = received[1].offset;
          return resolve({ id, close: () => socket.off("close", closed).close() });
        case 1: {
          const next = step(read, received[1], received.length - 3);
          if (next.kind === "hole") return failed(`messages from ${received[1]} came after ${read}`);
          if (next.kind === "seen") return;
          for (let i = 3 + next.skip; i < received.length; i++) message(received[i]);
          read = next.offset;
          if (read - acknowledged >= ACK_AFTER_MESSAGES) acknowledge();
          else timer ??= setTimeout(acknowledge, ACK_AFTER_MS);
          return;
        }
        case 2:
          return;
        case 3:
          return acknowledge();
        default:
          failed(`got ${data.toString()}`);
      }
    });
    socket.on("error", reject);
    const closed = (code: number) => (id ? failed(`closed with ${code}`) : reject(new Error(`closed with ${code}`)));
    socket.on("close", closed);
  });
