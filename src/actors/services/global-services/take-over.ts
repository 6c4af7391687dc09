import { Refusal } from '../../../errors.js';
import { shepherdCUid } from '../../../ids/index.js';
import { limits } from '../../../limits.js';
import { v1 } from '../../../protocol/index.js';
import { retryAsk } from '../../control-plane/index.js';
import type { Infrastructure } from '../infrastructure.js';

/** Reason of the Refusal of global services that have not taken over yet: who asks them asks again. */
export const NOT_SERVING = 'NOT_SERVING';

/** What was there before: it is taken over once. An attempt that fails may be made again. */
export class TakeOver {
  #done: Promise<void> | undefined;
  #isDone: boolean;

  constructor(isNeeded: boolean) {
    this.#isDone = !isNeeded;
  }

  /** Throws Refusal before it is done. */
  assertDone(): void {
    if (this.#isDone) return;
    throw new Refusal(NOT_SERVING, 'These global services have not taken over from those before them yet: ask again.');
  }

  once(work: () => Promise<void>): Promise<void> {
    this.#done ??= work().then(
      () => void (this.#isDone = true),
      (error: unknown) => {
        this.#done = undefined;
        throw error;
      },
    );
    return this.#done;
  }
}

/** A process of a node, as its shepherd knows it. */
export interface FoundProcess {
  readonly process: v1.KnownProcess;
  readonly node: number;
}

/** The processes of the nodes. Rejects where the shepherd of one of them does not answer. */
export async function processesOf(
  infrastructure: Infrastructure,
  nodes: readonly v1.JoinedNode[],
  epoch: bigint,
): Promise<readonly FoundProcess[]> {
  const found = nodes.map(async ({ index, address }) => {
    const shepherd = infrastructure.reference(v1.Shepherd, address, shepherdCUid(index));
    const { processes } = await retryAsk(infrastructure.scheduler, limits.controlPlaneTimeoutMs, (options) =>
      shepherd.inventory({ epoch }, options),
    );
    return processes.map((process) => ({ process, node: index }));
  });
  return (await Promise.all(found)).flat();
}
