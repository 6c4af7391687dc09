import { expect } from 'chai';
import fc from 'fast-check';
import type { Block, MemoryPool } from '#src/descriptors/index.js';
import { ManualScheduler } from '#src/scheduler/index.js';
import { turn, until } from '../support/until.js';
import { describeWithSharedMemory, KIB, openPool } from './pools.js';

type Step =
  | { readonly kind: 'allocate'; readonly sizeBytes: number }
  | { readonly kind: 'dispose' | 'cancel'; readonly which: number }
  | { readonly kind: 'resize'; readonly limitBytes: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'trim' | 'turn' };

const which = fc.nat();
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('allocate' as const),
        sizeBytes: fc.integer({ min: 0, max: 70 * KIB }),
      }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('dispose' as const), which }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), which }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('resize' as const),
        limitBytes: fc.integer({ min: 4 * KIB, max: 200 * KIB }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 80 }) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('trim' as const, 'turn' as const) }) },
  ),
  { maxLength: 60, size: 'max' },
);

/** Runs the steps, and checks after each that every block still has what was written into it. */
class Run {
  readonly scheduler = new ManualScheduler({ seed: 1 });
  readonly pool: MemoryPool;
  readonly live: { readonly block: Block; readonly mark: number }[] = [];
  readonly aborts: AbortController[] = [];
  #marks = 0;
  settled = 0;
  asked = 0;

  constructor(memory: 'private' | 'shared') {
    const options = { limitBytes: 128 * KIB, arenaBytes: 32 * KIB, timeoutMs: 100 };
    this.pool = openPool(options, { memory, scheduler: this.scheduler });
  }

  async do(step: Step): Promise<void> {
    switch (step.kind) {
      case 'allocate':
        return void this.#allocate(step.sizeBytes);
      case 'dispose':
        return this.#dispose(step.which);
      case 'cancel':
        return this.aborts[step.which % Math.max(1, this.aborts.length)]?.abort();
      case 'resize':
        return this.pool.resize(step.limitBytes);
      case 'wait':
        return this.scheduler.advance(step.ms);
      case 'trim':
        return this.pool.trim();
      case 'turn':
        return turn();
    }
  }

  /** Blocks do not overlap: each is full of its own mark. */
  check(): void {
    for (const { block, mark } of this.live) {
      if (!block.bytes.every((byte) => byte === mark)) throw new Error(`block ${mark} was overwritten`);
    }
    const { reservedBytes, usedBytes, freeBytes, largestFreeBytes } = this.pool.statistics;
    expect(usedBytes + freeBytes).to.be.at.most(reservedBytes);
    expect(largestFreeBytes).to.be.at.most(freeBytes);
  }

  /** Frees all, lets all waits end, and looks what is left. */
  async end(): Promise<void> {
    for (;;) {
      for (let turns = 0; turns < 4; turns++) await turn();
      if (this.live.length === 0 && this.pool.statistics.waiting === 0) break;
      for (const { block } of this.live.splice(0)) block.dispose();
      this.scheduler.advance(20);
    }
    expect(this.settled).to.equal(this.asked);
    // Memory may still be on its way for a call that has given up.
    await until(() => this.pool.statistics.freeBytes === this.pool.statistics.reservedBytes);
    const { reservedBytes, freeBytes, limitBytes, ...rest } = this.pool.statistics;
    expect(freeBytes).to.equal(reservedBytes);
    expect(reservedBytes).to.be.at.most(limitBytes);
    expect(rest).to.include({ usedBytes: 0, blocks: 0, waiting: 0, leaks: 0 });
    expect(this.scheduler.pendingTimers).to.equal(0);
    // Nothing is lost: all of the limit can be had in one block.
    (await this.pool.allocate(limitBytes)).dispose();
    this.pool.close();
  }

  async #allocate(sizeBytes: number): Promise<void> {
    const abort = new AbortController();
    this.aborts.push(abort);
    this.asked += 1;
    try {
      const block = await this.pool.allocate(sizeBytes, { signal: abort.signal });
      this.#marks = (this.#marks % 255) + 1;
      block.bytes.fill(this.#marks);
      this.live.push({ block, mark: this.#marks });
    } catch {
      // Too large, too late or cancelled.
    }
    this.settled += 1;
  }

  #dispose(which: number): void {
    const [gone] = this.live.splice(which % Math.max(1, this.live.length), 1);
    gone?.block.dispose();
    gone?.block.dispose();
  }
}

async function holds(memory: 'private' | 'shared', numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const run = new Run(memory);
      for (const step of all) {
        await run.do(step);
        run.check();
      }
      await run.end();
    }),
    { numRuns },
  );
}

describe('a pool, in any order of allocating, disposing, resizing, waiting and cancelling,', () => {
  it('never gives memory to two, loses none, and answers every call', async function () {
    this.timeout(180_000);
    await holds('private', 60);
  });
});

describeWithSharedMemory('a pool of shared memory, in any order of the same,', () => {
  it('never gives memory to two, loses none, and answers every call', async function () {
    this.timeout(180_000);
    await holds('shared', 30);
  });
});
