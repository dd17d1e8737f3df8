import { SessionError } from "./session-error.ts";

/** Throws "message_too_large" for messages, as JSON, that no log would keep. */
export function assertFits(json: string, windowBytes: number): void {
  // A character is at most three bytes of UTF-8.
  if (json.length * 3 <= windowBytes) return;
  const bytes = Buffer.byteLength(json);
  if (bytes > windowBytes)
    throw new SessionError("message_too_large", `message: expected at most ${windowBytes} bytes, got ${bytes}`);
}
