/** What is known of another server. */
interface Peer {
  beats: string;
  /** When it was first seen to have so many. */
  since: number;
  /** Heartbeats of one's own since. */
  seen: number;
}

/** Heartbeats of one's own that must have found a server silent, however much time has passed. */
const SEEN_MIN = 3;

/**
 * Tells which servers are dead: those whose heartbeats have not moved for a time in which one's own did. All by one's own
 * monotonic clock, so that neither a clock that jumps nor a frozen Redis kills anybody.
 */
export class RedisPeers {
  readonly #beatMs: number;
  readonly #deadMs: number;
  #peers = new Map<string, Peer>();
  #lookedAt = 0;

  constructor(beatMs: number, deadMs: number) {
    this.#beatMs = beatMs;
    this.#deadMs = deadMs;
  }

  /** Nobody can be blamed for a silence that one could not hear. */
  forget(): void {
    this.#peers.clear();
  }

  /** With each heartbeat: the heartbeats of all others. Gives the dead, with those they had. */
  look(others: [server: string, beats: string][], now: number): [server: string, beats: string][] {
    if (now - this.#lookedAt > 3 * this.#beatMs) this.forget();
    this.#lookedAt = now;
    const peers = new Map<string, Peer>();
    const dead: [string, string][] = [];
    for (const [server, beats] of others) {
      const known = this.#peers.get(server);
      const peer = known?.beats === beats ? { ...known, seen: known.seen + 1 } : { beats, since: now, seen: 0 };
      peers.set(server, peer);
      if (peer.seen >= SEEN_MIN && now - peer.since >= this.#deadMs) dead.push([server, beats]);
    }
    this.#peers = peers;
    return dead;
  }
}
