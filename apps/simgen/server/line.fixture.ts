/** A line that tests cut: a TCP proxy between a visitor and a server. */
import { once } from "node:events";
import { connect, createServer, type Server as NetServer, type Socket } from "node:net";

export class TestLine {
  readonly #server: NetServer;
  readonly #sockets = new Set<Socket>();
  #port: number;
  #isCut = false;

  private constructor(server: NetServer, to: string) {
    this.#server = server;
    this.#port = portOf(to);
    server.on("connection", (socket) => this.#join(socket));
  }

  /** Leads to the server of the URL `to`. */
  static async open(t: { after(end: () => Promise<void>): unknown }, to: string): Promise<TestLine> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const line = new TestLine(server, to);
    t.after(async () => {
      line.cut();
      server.close();
      await once(server, "close");
    });
    return line;
  }

  get url(): string {
    const address = this.#server.address();
    if (typeof address !== "object" || !address) throw new Error("the line is closed");
    return `http://localhost:${address.port}`;
  }

  /** From now on nothing gets through. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Leads to `to`, or where it did before. */
  mend(to?: string): void {
    if (to !== undefined) this.#port = portOf(to);
    this.#isCut = false;
  }

  #join(near: Socket): void {
    if (this.#isCut) {
      near.destroy();
      return;
    }
    const far = connect(this.#port, "127.0.0.1");
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  }
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}
