import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** A line to a port on this machine that can be made to lose what comes back. */
export class Relay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  isDeaf = false;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async to(port: number): Promise<Relay> {
    const server = createServer();
    const relay = new Relay(server);
    server.on("connection", (near) => {
      const far = connect(port, "127.0.0.1");
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        relay.#sockets.add(one);
        one.on("error", () => {});
        one.on("data", (data) => {
          if (one === near || !relay.isDeaf) other.write(data);
        });
        one.on("close", () => {
          relay.#sockets.delete(one);
          other.destroy();
        });
      }
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return relay;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
