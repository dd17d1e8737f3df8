/** Something that is done very often, and must leave nothing behind. */
export interface Workload {
  /** Does it so many times, and waits until all of it has ended. */
  run(count: number): Promise<void>;
  /** What is left now, or has grown, by name and unit: "leases left", "WASM, MB". */
  left(): Promise<Record<string, number>>;
  close(): Promise<void>;
}
