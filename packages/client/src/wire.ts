import type { CLOSE, KIND } from "@holdfast/protocol";

// The protocol's numbers that this client uses. Only the types of its tables are imported: a bundle then has the numbers,
// and not the tables, and the compiler still compares the two.

export const OPEN: (typeof KIND)["open"] = 0;
export const MESSAGES: (typeof KIND)["messages"] = 1;
export const ACK: (typeof KIND)["ack"] = 2;
export const PING: (typeof KIND)["ping"] = 3;
export const GAP: (typeof KIND)["gap"] = 4;

export const DRAINING: (typeof CLOSE)["draining"] = 4000;
export const SILENT: (typeof CLOSE)["silent"] = 4002;
export const RESYNC: (typeof CLOSE)["resync"] = 4005;
export const FRAME_INVALID: (typeof CLOSE)["frameInvalid"] = 4502;
export const ENDED: (typeof CLOSE)["ended"] = 4506;
