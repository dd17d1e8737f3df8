import { RedisClient, type RedisClientOptions } from "redis";

/** Where a Redis process listens, and how to get in. */
export type RedisAddress = Pick<RedisClientOptions, "socket" | "username" | "password" | "database">;

export type Client = ReturnType<typeof makeClient>;

// Not `createClient`: it makes a class with some hundred methods for each client, which holds up the process for 10 ms
// and more, just when a connection is lost.
const makeClient = RedisClient.factory({ RESP: 3 });

/** A client that is one connection, not yet open: it neither reconnects nor keeps calls for later. */
export function oneConnection(address: RedisAddress): Client {
  const socket = { ...address.socket, reconnectStrategy: false } as NonNullable<RedisAddress["socket"]>;
  return makeClient({ ...address, socket, disableOfflineQueue: true, maintNotifications: "disabled" });
}

/** Throws for what is no `redis[s]://[[user]:password@]host[:port][/database]`. */
export function addressOf(url: string): RedisAddress {
  const { socket, username, password, database } = RedisClient.parseURL(url);
  return {
    socket,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(database !== undefined && { database }),
  };
}
