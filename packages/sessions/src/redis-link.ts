import { ErrorReply, RESP_TYPES } from "redis";
import { type Client, oneConnection, type RedisAddress } from "./redis-client.ts";
import { LOG_SCRIPT, type Script, WHOLE_SCRIPT } from "./redis-script.ts";
import { SessionError } from "./session-error.ts";

export type Reply = number | string | Buffer | null | Reply[];

export interface LinkOptions {
  address: RedisAddress;
  /** Until it is up, else it is given up. */
  connectTimeoutMs: number;
  /** The connection this one replaces: whatever it sent and Redis has not read yet must not happen any more. */
  replaces: { run: string; connection: number } | undefined;
  /** Called once, when the link is down for whatever reason but `close`. */
  lost(reason: Error): void;
  /** In a cluster: the slot of this channel went to another node. */
  moved(channel: string): void;
}

/** A Redis that cannot serve as a store whatever is tried: too old, a replica, one that evicts. */
export class RedisUnsuitable extends SessionError {
  constructor(message: string) {
    super("unavailable", message);
  }
}

/**
 * One TCP connection to one Redis process, never another: it does not reconnect. So everything sent on it meets the same
 * run of Redis, `run`, and what comes back is in the order in which Redis did it, replies and notices alike (RESP3 puts
 * both on one connection; with a connection for each, an entry could overtake the one before it).
 */
export class RedisLink {
  readonly #client: Client;
  readonly #lost: (reason: Error) => void;
  #isUp = true;
  /** Names this life of the Redis process. */
  readonly run: string;
  /** Redis's number for the connection. */
  readonly connection: number;
  /** How long this Redis has surely been serving when the link was made. */
  readonly upMs: number;

  private constructor(client: Client, facts: Facts, lost: (reason: Error) => void) {
    this.#client = client;
    this.#lost = lost;
    this.run = facts.run;
    this.connection = facts.connection;
    this.upMs = facts.upMs;
  }

  /** Rejects with what went wrong; nothing is left open then. */
  static async open(options: LinkOptions): Promise<RedisLink> {
    const client = oneConnection(options.address);
    let link: RedisLink | undefined;
    let isOver = false;
    const { promise: failed, reject: fail } = Promise.withResolvers<never>();
    failed.catch(() => {});
    client.on("error", (error: Error) => {
      fail(error);
      link?.close(error);
    });
    client.on("end", () => link?.close(new Error("Redis closed the connection")));
    client.on("sharded-channel-moved", (channel: string) => options.moved(channel));
    const timer = setTimeout(
      () => fail(new Error(`Redis did not answer within ${options.connectTimeoutMs} ms`)),
      options.connectTimeoutMs,
    );
    try {
      await Promise.race([client.connect(), failed]);
      const facts = await Promise.race([greet(client, options.replaces), failed]);
      link = new RedisLink(client, facts, (reason) => {
        if (!isOver) options.lost(reason);
        isOver = true;
      });
      return link;
    } catch (error) {
      client.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Runs a script. Rejects with `ErrorReply` when Redis said no, with another error when the link broke. */
  evaluate(script: Script, key: string, args: (string | Buffer)[]): Promise<Reply> {
    return this.#client.sendCommand<Reply>(["EVALSHA", script.sha, "1", key, ...args], BUFFERS);
  }

  /** Resolves when Redis has confirmed. */
  async subscribe(channel: string, listener: (message: Buffer) => void): Promise<void> {
    await this.#client.sSubscribe(channel, listener, true);
  }

  /** Without a reason, nobody is told. */
  close(reason?: Error): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#client.destroy();
    if (reason) this.#lost(reason);
  }
}

interface Facts {
  run: string;
  connection: number;
  upMs: number;
}

const BUFFERS = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } };

async function greet(client: Client, replaces: LinkOptions["replaces"]): Promise<Facts> {
  const [info, connection] = await Promise.all([
    client.sendCommand<string>(["INFO"]),
    client.sendCommand<number>(["CLIENT", "ID"]),
    client.sendCommand(["SCRIPT", "LOAD", WHOLE_SCRIPT.text]),
    client.sendCommand(["SCRIPT", "LOAD", LOG_SCRIPT.text]),
  ]);
  const facts = new Map(info.split("\r\n").map((line) => line.split(":", 2) as [string, string]));
  const version = facts.get("redis_version") ?? "0";
  if (Number.parseInt(version, 10) < 7) throw new RedisUnsuitable(`Redis: expected version 7 or later, got ${version}`);
  if (facts.get("role") !== "master") throw new Error("expected a master, got a replica");
  const policy = facts.get("maxmemory_policy");
  if (facts.get("maxmemory") !== "0" && policy !== "noeviction")
    throw new RedisUnsuitable(`maxmemory-policy: expected noeviction, got ${policy}: an evicted log is lost silently`);
  // As a record keeps it: 64 random bits.
  const run = facts.get("run_id")?.slice(0, 16) ?? "";
  if (replaces?.run === run)
    await client.sendCommand(["CLIENT", "KILL", "ID", String(replaces.connection)]).catch((error: Error) => {
      // Nearly always gone already; or we may not kill, and then a frozen Redis may do late what was given up.
      if (!(error instanceof ErrorReply)) throw error;
    });
  // A replica that was made a master serves since then only, and nothing says since when.
  const wasReplica = facts.get("second_repl_offset") !== "-1";
  return { run, connection, upMs: wasReplica ? 0 : Number(facts.get("uptime_in_seconds") ?? 0) * 1000 };
}
