import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker, type WorkerOptions } from "node:worker_threads";
import type { Lease, Release, Scope } from "./scope.ts";

/** A WebSocket of `ws`. */
export interface WebSocketLike {
  readonly readyState: number;
  close(code: number): void;
  terminate(): void;
  on(event: "close" | "error", listener: () => void): unknown;
}

/** A socket of `node:net` or `node:tls`. */
export interface NetSocketLike {
  readonly destroyed: boolean;
  end(): unknown;
  destroy(): unknown;
  on(event: "close" | "error", listener: () => void): unknown;
}

export interface EmitterLike<A extends unknown[]> {
  on(event: string, listener: (...args: A) => void): unknown;
  off(event: string, listener: (...args: A) => void): unknown;
}

export interface ManagedChildOptions extends SpawnOptions {
  /** From SIGTERM to SIGKILL, ms; 2000 unless it is given. */
  graceMs?: number;
}

const SOCKET_GRACE_MS = 1000;
const CHILD_GRACE_MS = 2000;
/** RFC 6455, 7.4.1: the endpoint goes away. */
const GOING_AWAY = 1001;
/** `CLOSED` of a WebSocket. */
const CLOSED = 3;

/**
 * Takes over a WebSocket of `ws`, or a socket of `node:net`: a "socket". It is released once it is closed: with 1001, or by
 * `end()`, and by force after a second. If it closes by itself, so ends the lease; if it is closed already, at once.
 *
 * Throws as `Scope.adopt`; then the socket is still the caller's.
 */
export function managedSocket<S extends WebSocketLike | NetSocketLike>(scope: Scope, socket: S): Lease<S> {
  const lease = scope.adopt("socket", socket, closeSocket);
  endsWith(lease, (ended) => socket.on("close", ended), isClosed(socket));
  return lease;
}

/** Does the work after so many ms: a "timer". The lease ends before the work begins. Throws as `Scope.adopt`. */
export function managedTimeout(scope: Scope, ms: number, work: () => unknown): Lease<NodeJS.Timeout> {
  const fire = () => {
    endQuietly(lease);
    work();
  };
  const lease = adoptNew(scope, "timer", setTimeout(fire, ms), (timer) => clearTimeout(timer));
  return lease;
}

/** Does the work every so many ms: a "timer". Throws as `Scope.adopt`. */
export function managedInterval(scope: Scope, ms: number, work: () => unknown): Lease<NodeJS.Timeout> {
  return adoptNew(scope, "timer", setInterval(work, ms), (timer) => clearInterval(timer));
}

/** Listens until it is released, by `on` where there is that, else by `addEventListener`: a "listener". Throws as `Scope.adopt`. */
export function managedListener<A extends unknown[]>(
  scope: Scope,
  target: EmitterLike<NoInfer<A>>,
  event: string,
  listener: (...args: A) => void,
): Lease<(...args: A) => void>;
export function managedListener(
  scope: Scope,
  target: EventTarget,
  event: string,
  listener: (event: Event) => void,
): Lease<(event: Event) => void>;
export function managedListener(
  scope: Scope,
  target: EmitterLike<[Event]> | EventTarget,
  event: string,
  listener: (event: Event) => void,
): Lease<(event: Event) => void> {
  if ("on" in target) {
    const lease = scope.adopt("listener", listener, () => target.off(event, listener));
    target.on(event, listener);
    return lease;
  }
  const lease = scope.adopt("listener", listener, () => target.removeEventListener(event, listener));
  target.addEventListener(event, listener);
  return lease;
}

/**
 * A new "folder" among the system's temporary ones, its name beginning with the prefix; the value is its path. It is removed
 * with all that is in it. Rejects as `Scope.acquire`.
 */
export function managedFolder(scope: Scope, prefix = "holdfast-"): Promise<Lease<string>> {
  return scope.acquire(
    "folder",
    () => mkdtemp(join(tmpdir(), prefix)),
    (path) => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  );
}

/**
 * Starts a "child process". It is released once it has exited: after SIGTERM, or after `graceMs` SIGKILL; what it has started
 * itself is its own affair. If it exits by itself, so ends the lease.
 *
 * Rejects as `Scope.acquire`, or with what `spawn` fails with (ENOENT).
 */
export async function managedChild(
  scope: Scope,
  command: string,
  args: readonly string[],
  options: ManagedChildOptions = {},
): Promise<Lease<ChildProcess>> {
  const { graceMs = CHILD_GRACE_MS, ...spawnOptions } = options;
  const lease = await scope.acquire(
    "child process",
    async () => {
      const child = spawn(command, args, spawnOptions);
      await once(child, "spawn");
      return child;
    },
    (child) => {
      if (hasExited(child)) return;
      const exited = new Promise((resolve) => child.on("exit", resolve));
      return end(
        exited,
        () => child.kill(),
        graceMs,
        () => child.kill("SIGKILL"),
      );
    },
  );
  endsWith(lease, (ended) => lease.value.on("exit", ended), hasExited(lease.value));
  return lease;
}

/**
 * Starts a thread of `node:worker_threads`: a "worker". It is released once it has been terminated. If it exits by itself, so
 * ends the lease. An "error" that nobody listens to is as fatal as ever.
 *
 * Rejects as `Scope.acquire`, or with what `new Worker` throws.
 */
export async function managedWorker(scope: Scope, url: string | URL, options?: WorkerOptions): Promise<Lease<Worker>> {
  const lease = await scope.acquire(
    "worker",
    () => new Worker(url, options),
    (worker) => worker.terminate(),
  );
  endsWith(lease, (ended) => lease.value.on("exit", ended), lease.value.threadId === -1);
  return lease;
}

// ---- what they have in common ----

interface Releasable {
  release(): Promise<void>;
}

/** Adopts what has been made for this only: if it cannot be adopted, it must go. */
function adoptNew<T>(scope: Scope, kind: string, value: T, release: Release<T>): Lease<T> {
  try {
    return scope.adopt(kind, value, release);
  } catch (error) {
    release(value);
    throw error;
  }
}

/** What ends by itself does not pile up in a long scope. */
function endsWith(lease: Releasable, onEnd: (ended: () => void) => unknown, hasEnded: boolean): void {
  if (hasEnded) endQuietly(lease);
  else onEnd(() => endQuietly(lease));
}

/** A release that nobody waits for: if it fails, that has been counted. */
function endQuietly(lease: Releasable): void {
  lease.release().catch(() => {});
}

function closeSocket(socket: WebSocketLike | NetSocketLike): Promise<void> | undefined {
  if (isClosed(socket)) return;
  // Whoever lets go of it no longer cares what becomes of it; without a listener an ECONNRESET would end the process.
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => socket.on("close", resolve));
  return "terminate" in socket
    ? end(
        closed,
        () => socket.close(GOING_AWAY),
        SOCKET_GRACE_MS,
        () => socket.terminate(),
      )
    : end(
        closed,
        () => socket.end(),
        SOCKET_GRACE_MS,
        () => socket.destroy(),
      );
}

/** Asks it to end, insists after a while, and waits for it. */
async function end(ended: Promise<unknown>, ask: () => unknown, graceMs: number, insist: () => unknown): Promise<void> {
  ask();
  const timer = setTimeout(insist, graceMs);
  await ended;
  clearTimeout(timer);
}

function isClosed(socket: WebSocketLike | NetSocketLike): boolean {
  return "terminate" in socket ? socket.readyState === CLOSED : socket.destroyed;
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
