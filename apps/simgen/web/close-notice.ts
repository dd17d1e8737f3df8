import { CLOSE } from "@holdfast/protocol";
import type { CoverMessage } from "./cover.ts";

/** What to say, and to do, when the server has closed the session with a code that means stop. */
export function closeNotice(code: number): CoverMessage {
  const action = { label: "Reload", run: () => location.reload() };
  return { symbol: "warning", ...wordsFor(code), action };
}

function wordsFor(code: number): { title: string; detail: string } {
  switch (code) {
    case CLOSE.sessionsTooMany:
      return {
        title: "SimGen is open too often",
        detail: "This browser has as many tabs and windows of it as one visitor may have. Close some, then reload.",
      };
    case CLOSE.unauthorized:
      return {
        title: "You are a new visitor now",
        detail: "This browser's cookie has changed since the page was opened. Reload to go on with the new one.",
      };
    case CLOSE.versionUnsupported:
      return { title: "This page is out of date", detail: "The server has a newer one. Reload to get it." };
    default:
      return {
        title: "The connection has ended",
        detail: `The server closed it for good (code ${code}). Reload to open a new one; what you made is kept.`,
      };
  }
}
