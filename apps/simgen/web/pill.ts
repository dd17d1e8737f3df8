import type { ConnectionState } from "./connection.ts";
import { byId } from "./element.ts";

const TEXTS: Record<ConnectionState, string> = {
  connecting: "Connecting",
  live: "Live",
  reconnecting: "Reconnecting",
  offline: "Offline",
  closed: "Disconnected",
};

/** Says how the connection is. */
export function showConnection(state: ConnectionState): void {
  const pill = byId("connection", HTMLParagraphElement);
  pill.dataset.state = state;
  pill.textContent = TEXTS[state];
}
