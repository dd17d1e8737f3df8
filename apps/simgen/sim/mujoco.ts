import { readFile } from "node:fs/promises";
import loadModule, { type MainModule, type MjData, type MjModel } from "@mujoco/mujoco";

export type { MjData, MjModel };

/** MuJoCo in this thread: one WASM module with its own heap. */
export interface Mujoco {
  mj: MainModule;
  /**
   * Runs calls into MuJoCo. When one throws, the WASM stack pointer goes back to where it was: an exception out of
   * compiled code leaves its frames behind (5 KB a failed step on a 64 KB stack), and a dozen would kill the module.
   */
  guard<T>(work: () => T): T;
  /** Size of the WASM heap, which only ever grows. */
  heapBytes(): number;
}

/** MuJoCo could not do what it was asked; `message` is its own, in one line. */
export class MujocoError extends Error {
  override readonly name = "MujocoError";
}

interface Exports {
  memory: WebAssembly.Memory;
  emscripten_stack_get_current(): number;
  _emscripten_stack_restore(pointer: number): void;
}

/** The compiled WASM, which worker threads can share. */
export async function compileMujoco(): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await readFile(new URL(import.meta.resolve("@mujoco/mujoco/mujoco.wasm"))));
}

export async function loadMujoco(compiled?: WebAssembly.Module): Promise<Mujoco> {
  const wasm = compiled ?? (await compileMujoco());
  let exports: Exports | undefined;
  const quiet = () => {};
  const mj = await loadModule({
    print: quiet,
    printErr: quiet,
    instantiateWasm(
      imports: WebAssembly.Imports,
      done: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
    ) {
      const instance = new WebAssembly.Instance(wasm, imports);
      exports = instance.exports as unknown as Exports;
      done(instance, wasm);
      return {};
    },
  });
  const wasmExports = exports;
  if (!wasmExports) throw new MujocoError("MuJoCo did not instantiate");
  return {
    mj,
    guard(work) {
      const stack = wasmExports.emscripten_stack_get_current();
      try {
        return work();
      } catch (error) {
        wasmExports._emscripten_stack_restore(stack);
        throw new MujocoError(firstLine(error), { cause: error });
      }
    },
    heapBytes: () => wasmExports.memory.buffer.byteLength,
  };
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n", 1)[0] ?? "unknown";
}
