/** A chip as data: what the simulation must know of it. Plain and readonly; see `targets/*.yaml`. */

/** More RAM than any microcontroller has; the simulation holds it all. */
export const MAXIMUM_RAM_BYTES = 2 ** 30;

export interface TargetRegion {
  readonly name: string;
  /** A multiple of 4. */
  readonly origin: number;
  /** A multiple of 4, above 0. */
  readonly bytes: number;
  /** Whether the heap may use it. */
  readonly heap: boolean;
}

/** How the kernel is built for this target. */
export interface TargetKernel {
  /** Whether task stacks, TCBs and queues come from the heap. */
  readonly objectsFromHeap: boolean;
  readonly tcbBytes: number;
  /** Of a queue's control block; its storage comes on top. */
  readonly queueBytes: number;
  readonly idleStackBytes: number;
  /** Priorities are 0 to one less than this. */
  readonly priorities: number;
}

export interface Target {
  /** The profile's file name without its ending, by which people name it. */
  readonly id: string;
  /** Path of the profile. */
  readonly file: string;
  readonly name: string;
  readonly vendor: string;
  readonly core: string;
  readonly clockHertz: number;
  /** At most the clock. */
  readonly tickHertz: number;
  /** `portBYTE_ALIGNMENT`: 4, 8, 16 or 32. */
  readonly alignment: number;
  /** Where the numbers come from. */
  readonly source: string;
  readonly description: string;
  /** No two overlap. The first holds static data and the main stack. */
  readonly regions: readonly TargetRegion[];
  readonly staticDataBytes: number;
  /** At the end of the first region; interrupts run on it. */
  readonly mainStackBytes: number;
  /** Of the heap in its first region; all that is left there where absent. */
  readonly heapBytes?: number;
  readonly kernel: TargetKernel;
}
