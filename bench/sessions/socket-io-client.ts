import { io } from "socket.io-client";
import type { Connect } from "./subject.ts";

export const connectSocketIo: Connect = (port, { message, frame, failed }) =>
  new Promise((resolve, reject) => {
    const socket = io(`ws://127.0.0.1:${port}`, {
      transports: ["websocket"],
      forceNew: true,
      reconnection: false,
      timeout: 30_000,
    });
    socket.on("message", message);
    socket.on("frame", frame);
    socket.on("connect", () => resolve({ id: socket.id ?? "", close: () => socket.off("disconnect").close() }));
    socket.on("connect_error", reject);
    socket.on("disconnect", (reason) => failed(reason));
  });
