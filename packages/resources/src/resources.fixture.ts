import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { KindSnapshot } from "./kind.ts";
import { ResourceError, type ResourceErrorCode } from "./resource-error.ts";
import type { Resources } from "./resources.ts";
import type { Making, Scope } from "./scope.ts";

/** What is counted of a kind. */
export function counted(resources: Resources, kind: string): KindSnapshot {
  const snapshot = resources.snapshot().kinds.find((each) => each.kind === kind);
  assert.ok(snapshot, `nothing is known of ${kind}`);
  return snapshot;
}

/** Nothing is in use, waits, or is stuck. */
export function assertEmpty(resources: Resources): void {
  for (const { kind, inUse, bytes, queued, leaked, stuck } of resources.snapshot().kinds)
    assert.deepEqual({ kind, inUse, bytes, queued, leaked, stuck }, { kind, ...EMPTY });
}

const EMPTY = { inUse: 0, bytes: 0, queued: 0, leaked: 0, stuck: 0 };

/** Lets everything that is ready to go on do so. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export async function until(holds: () => boolean, msMax = 5000): Promise<void> {
  const endMs = performance.now() + msMax;
  while (!holds()) {
    assert.ok(performance.now() < endMs, `not within ${msMax} ms: ${holds}`);
    await sleep(2);
  }
}

/** For `assert.rejects` and `assert.throws`: a ResourceError of that code, and message if given. */
export function refusal(code: ResourceErrorCode, message?: string | RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof ResourceError, String(error));
    assert.equal(error.code, code);
    if (typeof message === "string") assert.equal(error.message, message);
    else if (message) assert.match(error.message, message);
    return true;
  };
}

/** The errors that a close told. */
export async function errorsOf(closing: Promise<void>): Promise<unknown[]> {
  try {
    await closing;
  } catch (error) {
    assert.ok(error instanceof AggregateError, String(error));
    return error.errors;
  }
  return [];
}

/** Something to release, in a log of what was released. */
export class Log {
  readonly released: string[] = [];

  readonly release = (value: string): void => {
    this.released.push(value);
  };

  async acquire(scope: Scope, ...names: string[]): Promise<void> {
    for (const name of names) await scope.acquire("thing", () => name, this.release);
  }
}

/** Something that ends when the test says so: a create, or a release. */
export class Pending<T> {
  readonly #end = Promise.withResolvers<T>();
  signal: AbortSignal | undefined;
  starts = 0;

  readonly create = ({ signal }: Making): Promise<T> => {
    this.signal = signal;
    return this.start();
  };

  readonly start = (): Promise<T> => {
    this.starts++;
    return this.#end.promise;
  };

  resolve(value: T): void {
    this.#end.resolve(value);
  }

  reject(error: unknown): void {
    this.#end.reject(error);
  }
}

setFlagsFromString("--expose-gc");
export const collectGarbage: () => void = runInNewContext("gc");
