/** What a server's sessions have done since it started; and, last, what is. */
export interface Counters {
  /** Sessions begun, and connections that resumed one, here. */
  opened: number;
  resumed: number;
  /** Connections that ended, by reason: `lost` is the client's or the network's doing. */
  closed: Record<string, number>;
  /** Sessions that this server found expired. */
  expired: number;
  /** Clients told that messages are missing. */
  gaps: number;
  /** Messages put into the log of some session by this server, and those refused. */
  sent: number;
  sendsFailed: number;
  /** Frames of messages written to clients. */
  framesOut: number;
  /** Clients' messages handled, and of those the ones whose handler threw or whose form was wrong. */
  handled: number;
  handlerFailures: number;
  /** Values of lossy lanes written, and those a newer one replaced. */
  laneValues: number;
  laneValuesDropped: number;
  /** Times a client was read more slowly because it sent too much. */
  throttled: number;
  /** Sessions whose log was read again to fill a hole, or restored to a store that had lost it. */
  checked: number;
  restored: number;
  connections: number;
}

export function newCounters(): Counters {
  return {
    opened: 0,
    resumed: 0,
    closed: {},
    expired: 0,
    gaps: 0,
    sent: 0,
    sendsFailed: 0,
    framesOut: 0,
    handled: 0,
    handlerFailures: 0,
    laneValues: 0,
    laneValuesDropped: 0,
    throttled: 0,
    checked: 0,
    restored: 0,
    connections: 0,
  };
}
