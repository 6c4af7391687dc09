import { ownerOrdinal } from '../../../ids/index.js';
import type { UntypedRef, PlaceOn } from '../../kernel/index.js';
import type { Runtime } from '../../runtime/index.js';
import { containerControl } from '../control-service.js';
import type { AnyContained } from '../define.js';
import type { ContainerArgs } from '../plugins/index.js';
import type { ContainerHost, PlacedContainer } from '../pool/index.js';

export interface PlacedContainersOptions {
  readonly runtime: Runtime;
  readonly component: AnyContained;
  readonly args: ContainerArgs;
  readonly on: PlaceOn | undefined;
  /** Containers of this process by the ordinals of their partitions. */
  readonly occupied: Map<number, number>;
  readonly startTimeoutMs: number;
  /** Called with each container that is placed. */
  readonly watch: (ref: UntypedRef) => void;
}

/** The containers of one component that this process has placed. */
export class PlacedContainers implements ContainerHost {
  readonly #options: PlacedContainersOptions;

  constructor(options: PlacedContainersOptions) {
    this.#options = options;
  }

  async place(signal?: AbortSignal): Promise<PlacedContainer> {
    const { runtime, component, args, startTimeoutMs: timeoutMs, occupied } = this.#options;
    const expected = this.#options.on === undefined ? emptiest(runtime.ordinals, occupied) : undefined;
    const on = this.#options.on ?? { partition: expected ?? 0 };
    // Others that are placed at the same time go elsewhere.
    if (expected !== undefined) add(occupied, expected, 1);
    try {
      const ref = await runtime.place(component, { args, on, timeoutMs, ...(signal && { signal }) });
      const ordinal = ownerOrdinal(ref.toRef().cUid) ?? 0;
      if (expected === undefined) add(occupied, ordinal, 1);
      this.#options.watch(ref);
      return { ref, ordinal };
    } catch (error) {
      if (expected !== undefined) add(occupied, expected, -1);
      throw error;
    }
  }

  probe({ ref }: PlacedContainer, timeoutMs: number): Promise<unknown> {
    return containerControl(this.#options.runtime, ref).containerProbe({}, { timeoutMs });
  }

  async stop({ ref, ordinal }: PlacedContainer): Promise<void> {
    const { runtime, occupied } = this.#options;
    try {
      await runtime.stopActor(ref);
    } finally {
      add(occupied, ordinal, -1);
    }
  }
}

/** The partition with the fewest containers, but for the first, which is the event loop of the program, where there are others. */
function emptiest(ordinals: readonly number[], occupied: ReadonlyMap<number, number>): number {
  const [first = 0, ...others] = ordinals;
  let best = others[0] ?? first;
  for (const each of others) if ((occupied.get(each) ?? 0) < (occupied.get(best) ?? 0)) best = each;
  return best;
}

function add(occupied: Map<number, number>, ordinal: number, count: number): void {
  const sum = (occupied.get(ordinal) ?? 0) + count;
  if (sum > 0) occupied.set(ordinal, sum);
  else occupied.delete(ordinal);
}
