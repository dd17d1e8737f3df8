/** Whom alert.sh tells, and what it looks at: a server for webhooks, pings and a health, and one for mails. */
import { EventEmitter, once } from "node:events";
import { createServer as createHttpServer, type ServerResponse } from "node:http";
import { createServer, type Server, type Socket } from "node:net";
import type { TestContext } from "node:test";

/** Gets webhooks, pings and mails, and answers for the service. It emits the path of each request, or "mail". */
export class Inbox extends EventEmitter {
  readonly hooks: string[] = [];
  readonly mails: { from: string; to: string[]; data: string }[] = [];
  readonly smtpLines: string[] = [];
  url = "";
  smtpUrl = "";
  pings = 0;
  hookStatus = 200;
  pingStatus = 200;
  health = { status: 200, body: "{}" };
  refusesMail = false;
  /** A path, or "mail": is not answered whole before `release()`. */
  hangsOn = "";
  #held: (() => void)[] = [];

  static async start(t: TestContext): Promise<Inbox> {
    const inbox = new Inbox();
    const http = createHttpServer(async (request, response) => {
      let body = "";
      for await (const chunk of request.setEncoding("utf8")) body += chunk;
      inbox.#answer(new URL(request.url ?? "/", inbox.url).pathname, body, response);
    });
    inbox.url = `http://127.0.0.1:${await listen(t, http)}`;
    inbox.smtpUrl = `smtp://127.0.0.1:${await listen(
      t,
      createServer((socket) => inbox.#mail(socket)),
    )}`;
    t.after(() => http.closeAllConnections());
    return inbox;
  }

  release(): void {
    for (const go of this.#held.splice(0)) go();
  }

  #hold(what: string, go: () => void): void {
    if (this.hangsOn === what) this.#held.push(go);
    else go();
  }

  #answer(path: string, body: string, response: ServerResponse): void {
    const status = { "/hook": this.hookStatus, "/ping": this.pingStatus }[path] ?? this.health.status;
    if (path === "/hook" && status < 300) this.hooks.push(body);
    if (path === "/ping") this.pings++;
    response.writeHead(status, { location: "/elsewhere" });
    if (this.hangsOn === path) response.write("{");
    this.#hold(path, () => response.end(path === "/health" ? this.health.body : "ok"));
    this.emit(path, response);
  }

  /** As much of RFC 5321 as a mail takes. */
  #mail(socket: Socket): void {
    const mail = { from: "", to: [] as string[], data: "" };
    let [input, inData] = ["", false];
    const take = (line: string): string => {
      this.smtpLines.push(line);
      const [, verb = "", argument = ""] = /^(\w+)(?: (?:FROM:|TO:)?(\S*))?/.exec(line) ?? [];
      switch (verb) {
        case "EHLO":
          return "250-inbox\r\n250 8BITMIME";
        case "MAIL":
          mail.from = argument;
          return this.refusesMail ? "451 not now" : "250 ok";
        case "RCPT":
          mail.to.push(argument);
          return "250 ok";
        case "DATA":
          inData = true;
          return "354 go on";
        case "QUIT":
          return "221 bye";
        default:
          return "502 no such thing";
      }
    };
    socket.on("error", () => {});
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      input += chunk;
      for (let end = 0; ; input = input.slice(end)) {
        const terminator = inData ? "\r\n.\r\n" : "\r\n";
        end = input.indexOf(terminator) + terminator.length;
        if (end < terminator.length) break;
        if (inData) {
          this.mails.push({ ...mail, data: input.slice(0, end - 3) });
          inData = false;
          socket.write("250 ok\r\n");
        } else socket.write(`${take(input.slice(0, end - 2))}\r\n`);
      }
    });
    this.#hold("mail", () => socket.write("220 inbox\r\n"));
    this.emit("mail");
  }
}

async function listen(t: TestContext, server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("expected a port");
  return address.port;
}
