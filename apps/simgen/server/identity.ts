import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { parseCookie, stringifySetCookie } from "cookie";
import { Problem } from "../service/problem.ts";
import { COOKIE_SECRET } from "./backup/swap.ts";

const COOKIE = "simgen_visitor";
const COOKIE_AGE_SECONDS = 365 * 24 * 3600;
const VISITOR_BYTES = 18;

/** Who asks, and the cookie to set when it is somebody new. */
export interface Identity {
  owner: string;
  setCookie?: string;
}

export interface IdentityOptions {
  cookieSecret: string;
  apiKeys: readonly string[];
  /** The page is served over TLS. */
  secure: boolean;
}

/**
 * Knows visitors by a signed random cookie and API clients by their key. A key is kept only as its hash, which is what
 * is compared, in constant time.
 */
export class Identities {
  readonly #cookieSecret: string;
  readonly #keyHashes: Buffer[];
  readonly #secure: boolean;

  constructor(options: IdentityOptions) {
    this.#cookieSecret = options.cookieSecret;
    this.#keyHashes = options.apiKeys.map(hash);
    this.#secure = options.secure;
  }

  /** Throws `Problem` "unauthorized" on a wrong API key; a missing or forged cookie makes a new visitor. */
  identify(request: IncomingMessage): Identity {
    const { authorization, cookie } = request.headers;
    if (authorization !== undefined && this.#keyHashes.length > 0) return { owner: this.#keyOwner(authorization) };
    const known = this.#visitor(cookie);
    if (known !== undefined) return { owner: `visitor:${known}` };
    const visitor = randomBytes(VISITOR_BYTES).toString("base64url");
    const setCookie = stringifySetCookie({
      name: COOKIE,
      value: `${visitor}.${this.#signature(visitor)}`,
      path: "/",
      httpOnly: true,
      sameSite: "lax",
      secure: this.#secure,
      maxAge: COOKIE_AGE_SECONDS,
    });
    return { owner: `visitor:${visitor}`, setCookie };
  }

  #keyOwner(authorization: string): string {
    const given = hash(/^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? "");
    const known = this.#keyHashes.filter((each) => timingSafeEqual(each, given));
    if (known.length === 0) throw new Problem("unauthorized", "expected Authorization: Bearer and a valid key");
    return `key:${given.toString("hex").slice(0, 24)}`;
  }

  #visitor(header: string | undefined): string | undefined {
    const [visitor, signature] = (parseCookie(header ?? "")[COOKIE] ?? "").split(".");
    if (!visitor || !signature) return undefined;
    return timingSafeEqual(hash(signature), hash(this.#signature(visitor))) ? visitor : undefined;
  }

  #signature(visitor: string): string {
    return createHmac("sha256", this.#cookieSecret).update(visitor).digest("base64url");
  }
}

/** The secret that signs cookies: the configured one, or one that is made once and kept in `dataDir`. */
export async function cookieSecret(configured: string | undefined, dataDir: string): Promise<string> {
  if (configured !== undefined) return configured;
  const file = join(dataDir, COOKIE_SECRET);
  await mkdir(dataDir, { recursive: true });
  await writeFile(file, randomBytes(32).toString("base64url"), { flag: "wx", mode: 0o600 }).catch((error) => {
    if (error.code !== "EEXIST") throw error;
  });
  return (await readFile(file, "utf8")).trim();
}

/** Whether a browser's WebSocket comes from our own page. Clients that are no browsers send no Origin. */
export function isOwnOrigin(request: IncomingMessage, publicOrigin: string | undefined): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined) return true;
  if (publicOrigin !== undefined && origin === publicOrigin) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

function hash(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
