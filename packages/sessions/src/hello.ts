import { decodeToServer, type Hello, ProtocolError } from "@holdfast/protocol";
import type { WebSocket } from "ws";
import { SessionError } from "./session-error.ts";
import type { Timers } from "./timers.ts";

/** The first frame of a client. Rejects with `SessionError` "connection_refused" or `ProtocolError`. */
export function readHello(socket: WebSocket, timeoutMs: number, timers: Timers): Promise<Hello> {
  const { promise, resolve, reject } = Promise.withResolvers<Hello>();
  const onMessage = (data: Buffer, isBinary: boolean) => {
    try {
      const frame = decodeToServer(isBinary ? "" : data.toString());
      if (frame.kind !== "hello") throw new ProtocolError("frame_invalid", `expected a hello, got ${frame.kind}`);
      resolve(frame.hello);
    } catch (error) {
      reject(error);
    }
  };
  const onClose = () => reject(new SessionError("connection_refused", "the client left before its hello", "silent"));
  const timer = timers.later(timeoutMs, () =>
    reject(new SessionError("connection_refused", `no hello within ${timeoutMs} ms`, "silent")),
  );
  socket.once("message", onMessage);
  socket.once("close", onClose);
  return promise.finally(() => {
    timers.clear(timer);
    socket.off("message", onMessage);
    socket.off("close", onClose);
  });
}

/** What to tell a client whose connection failed, and the caller. */
export function refusalOf(error: unknown): SessionError {
  if (error instanceof SessionError && error.code === "connection_refused") return error;
  const message = error instanceof Error ? error.message : String(error);
  const refused = (reason: NonNullable<SessionError["closeReason"]>) =>
    new SessionError("connection_refused", message, reason);
  if (error instanceof ProtocolError)
    return refused(error.code === "version_unsupported" ? "versionUnsupported" : "frameInvalid");
  const isFull = error instanceof SessionError && error.code === "sessions_too_many";
  return refused(isFull ? "sessionsTooMany" : "unavailable");
}
