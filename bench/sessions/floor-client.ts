import { WebSocket } from "ws";
import type { Connect } from "./subject.ts";

/** The first message is the client's id, sent when the server has registered it. */
export const connectFloor: Connect = (port, { message, frame, failed }) =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, { perMessageDeflate: false, skipUTF8Validation: true });
    let id = "";
    socket.on("message", (data: Buffer, isBinary) => {
      if (isBinary) frame(data);
      else if (id) message(JSON.parse(data.toString()));
      else {
        id = data.toString();
        resolve({ id, close: () => socket.off("close", closed).close() });
      }
    });
    socket.on("error", reject);
    const closed = (code: number) => (id ? failed(`closed with ${code}`) : reject(new Error(`closed with ${code}`)));
    socket.on("close", closed);
  });
