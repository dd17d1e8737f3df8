import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

const REQUEST_LINE_BYTES_MAX = 4096;
/** As nginx does (max_fails, fail_timeout): a server that refused a connection is left out for so long. */
const FAILED_MS = 1000;

interface Link {
  client: number;
  down: Socket;
  up?: Socket;
  port?: number;
  held: boolean;
  /** Ended on one side; if held, the other side hears of it when the line is back. */
  broken: boolean;
}

/**
 * A load balancer for TCP that can also be the bad network in front of it. Round robin; a server that refuses a connection
 * is left out for a second and the next one is taken. Knows clients by `?client=N` in the line that opens their connection.
 */
export class Balancer {
  readonly #server: Server;
  readonly #links = new Set<Link>();
  readonly #held = new Set<number>();
  readonly #refused = new Set<number>();
  readonly #failedAt = new Map<number, number>();
  #ports: number[] = [];
  #turn = 0;

  static async listen(port: number): Promise<Balancer> {
    const balancer = new Balancer();
    balancer.#server.listen({ port, host: "127.0.0.1", backlog: 4096 });
    await once(balancer.#server, "listening");
    return balancer;
  }

  private constructor() {
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
  }

  /** Where new connections go. Those there are stay. */
  use(ports: number[]): void {
    this.#ports = ports;
    this.#failedAt.clear();
  }

  /** Who is connected to the server at that port. */
  clientsOf(port: number): number[] {
    return [...this.#links].filter((link) => link.port === port && !link.broken).map(({ client }) => client);
  }

  /** Both sides of these clients' connections see a reset. */
  cut(clients: number[]): void {
    for (const link of this.#linksOf(clients)) reset(link);
  }

  /** New connections of these clients are reset at once, until `accept`. */
  refuse(clients: number[]): void {
    for (const client of clients) this.#refused.add(client);
  }

  /** These clients' packets no longer get through, in either direction: no data, no end, no reset. */
  hold(clients: number[], { newOnes }: { newOnes: boolean }): void {
    for (const link of this.#linksOf(clients)) {
      link.held = true;
      pause(link);
    }
    if (newOnes) for (const client of clients) this.#held.add(client);
  }

  /** The network is back: what was held goes on where it stopped, as TCP does it. */
  accept(clients: number[]): void {
    for (const client of clients) {
      this.#held.delete(client);
      this.#refused.delete(client);
    }
    for (const link of this.#linksOf(clients)) {
      link.held = false;
      if (link.broken) reset(link);
      else if (link.up) join(link);
      else this.#forward(link);
    }
  }

  close(): void {
    this.#server.close();
    for (const link of this.#links) reset(link);
  }

  #linksOf(clients: number[]): Link[] {
    const wanted = new Set(clients);
    return [...this.#links].filter(({ client }) => wanted.has(client));
  }

  async #accept(down: Socket): Promise<void> {
    down.on("error", () => {});
    const client = await clientOf(down);
    if (client === undefined || this.#refused.has(client)) {
      down.resetAndDestroy();
      return;
    }
    const link: Link = { client, down, held: this.#held.has(client), broken: false };
    this.#links.add(link);
    down.on("close", () => this.#ended(link));
    if (!link.held) this.#forward(link);
  }

  async #forward(link: Link): Promise<void> {
    const up = await this.#reach(link);
    if (!up || link.down.destroyed) {
      up?.destroy();
      reset(link);
      return;
    }
    link.up = up;
    up.on("close", () => this.#ended(link));
    if (!link.held) join(link);
  }

  /** A connection to the next server that takes it; undefined when none does. */
  async #reach(link: Link): Promise<Socket | undefined> {
    for (const port of this.#order()) {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      try {
        await once(socket, "connect");
        socket.on("error", () => {});
        link.port = port;
        return socket;
      } catch {
        this.#failedAt.set(port, Date.now());
      }
    }
    return;
  }

  /** The servers from the next in turn on, those that failed lately last. */
  #order(): number[] {
    const turn = this.#turn++ % Math.max(1, this.#ports.length);
    const ports = [...this.#ports.slice(turn), ...this.#ports.slice(0, turn)];
    const failedLately = (port: number) => Date.now() - (this.#failedAt.get(port) ?? 0) < FAILED_MS;
    return [...ports.filter((port) => !failedLately(port)), ...ports.filter(failedLately)];
  }

  #ended(link: Link): void {
    link.broken = true;
    if (link.held) return;
    this.#links.delete(link);
    // The other end gets what is on its way to it, then the end.
    for (const socket of [link.down, link.up]) if (socket && !socket.writableEnded) socket.end();
  }
}

/** The number in the connection's first line; the line stays to be read. */
async function clientOf(socket: Socket): Promise<number | undefined> {
  let head = "";
  while (!head.includes("\r\n")) {
    const ended = once(socket, "close").then(() => false);
    const readable = once(socket, "readable").then(() => true);
    if (!(await Promise.race([readable, ended]).catch(() => false))) return;
    const chunk: Buffer | null = socket.read();
    if (chunk) head += chunk.toString("latin1");
    if (head.length > REQUEST_LINE_BYTES_MAX) return;
  }
  socket.pause();
  socket.unshift(Buffer.from(head, "latin1"));
  const [, client] = head.match(/^[^\r\n]*[?&]client=(\d+)/) ?? [];
  return client === undefined ? undefined : Number(client);
}

function join({ down, up }: Link): void {
  if (!up) return;
  down.pipe(up);
  up.pipe(down);
}

function pause({ down, up }: Link): void {
  down.unpipe().pause();
  up?.unpipe().pause();
}

function reset({ down, up }: Link): void {
  down.resetAndDestroy();
  up?.resetAndDestroy();
}
