import { AsyncLocalStorage } from "node:async_hooks";
import type { Scope } from "@holdfast/resources";

/** On whose behalf work is done: a request's scope, or that of a session's connection. What it holds ends with it. */
export const owners = new AsyncLocalStorage<Scope>();
