import { expect } from 'chai';
import fc from 'fast-check';
import { bytesCodable, Descriptor } from '#src/descriptors/index.js';
import { MillraceError } from '#src/errors.js';
import { Hub, type Node, overTheWire } from './hub.js';
import { describeWithSharedMemory } from './pools.js';

const SIZE = 8_192;

interface Held {
  readonly at: Node;
  readonly mark: number;
  readonly descriptor: Descriptor<Uint8Array>;
  value: Uint8Array | undefined;
}

/** Processes that send, forward, read, dispose and die, with all of the real code between them. */
class Run {
  readonly hub = new Hub(4);
  #held: Held[] = [];
  #marks = 0;

  async send(from: number, to: number): Promise<void> {
    const [source, target] = [this.#node(from), this.#node(to)];
    if (source === target) return;
    const block = await source.pool.allocate(SIZE);
    this.#marks = (this.#marks % 255) + 1;
    block.bytes.fill(this.#marks);
    const descriptor = Descriptor.of(bytesCodable, block.bytes);
    const sent = this.#handOver(source, target, descriptor, this.#marks);
    block.dispose();
    await sent;
  }

  /** As `send`, and the value is lost on its way. */
  async lose(from: number, to: number): Promise<void> {
    const [source, target] = [this.#node(from), this.#node(to)];
    if (source === target) return;
    const block = await source.pool.allocate(SIZE);
    const message = await source.manager.describe(Descriptor.of(bytesCodable, block.bytes), target.name);
    block.dispose();
    this.hub.settleLost(source, target, [message]);
  }

  /** As `forward`, and the value is lost on its way. */
  async loseForwarded(which: number, to: number): Promise<void> {
    const held = this.#held[which % Math.max(1, this.#held.length)];
    const target = this.#node(to);
    if (held === undefined || held.value !== undefined || held.at === target) return;
    this.#held = this.#held.filter((other) => other !== held);
    const lost = held.at.manager.describe(held.descriptor, target.name).then(
      (message) => this.hub.settleLost(held.at, target, [message]),
      (error: unknown) => {
        if (!(error instanceof MillraceError)) throw error;
      },
    );
    await this.hub.settle();
    await lost;
  }

  async forward(which: number, to: number): Promise<void> {
    const held = this.#held[which % Math.max(1, this.#held.length)];
    const target = this.#node(to);
    if (held === undefined || held.value !== undefined || held.at === target) return;
    this.#held = this.#held.filter((other) => other !== held);
    // It waits until its owner has charged it here.
    const forwarded = this.#handOver(held.at, target, held.descriptor, held.mark);
    await this.hub.settle();
    await forwarded;
  }

  async read(which: number): Promise<void> {
    const held = this.#held[which % Math.max(1, this.#held.length)];
    if (held === undefined || held.value !== undefined) return;
    const read = held.descriptor.takeValue().then(
      (value) => void (held.value = value),
      (error: unknown) => this.#lost(held, error),
    );
    await this.hub.settle();
    await read;
  }

  dispose(which: number): void {
    const [gone] = this.#held.splice(which % Math.max(1, this.#held.length), 1);
    gone?.descriptor.dispose();
  }

  kill(which: number): void {
    if (this.hub.nodes.length === 1) return;
    const gone = this.#node(which);
    this.hub.kill(gone);
    // Its descriptors go with it.
    for (const { descriptor } of this.#held.filter(({ at }) => at === gone)) descriptor.dispose();
    this.#held = this.#held.filter(({ at }) => at !== gone);
  }

  /** Whatever is being read is what was written. */
  check(): void {
    for (const { value, mark } of this.#held) {
      if (value?.every((byte) => byte === mark) === false) throw new Error(`value ${mark} is garbage`);
    }
  }

  async end(): Promise<void> {
    for (const { descriptor } of this.#held.splice(0)) descriptor.dispose();
    await this.hub.settle();
    for (const { manager, pool } of this.hub.nodes) {
      expect(manager.statistics).to.deep.equal({ owned: 0, held: 0, violations: 0 });
      expect(pool.statistics).to.include({ blocks: 0, usedBytes: 0, bytesCopied: 0 });
    }
    this.hub.close();
  }

  async #handOver(from: Node, to: Node, descriptor: Descriptor<Uint8Array>, mark: number): Promise<void> {
    try {
      const message = overTheWire(await from.manager.describe(descriptor, to.name));
      this.#held.push({
        at: to,
        mark,
        descriptor: to.manager.receive(from.name, message, bytesCodable),
        value: undefined,
      });
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
    }
  }

  #lost(held: Held, error: unknown): void {
    if (!(error instanceof MillraceError) || error.code !== 'UNREACHABLE') throw error;
    held.descriptor.dispose();
    this.#held = this.#held.filter((other) => other !== held);
  }

  #node(which: number): Node {
    const node = this.hub.nodes[which % this.hub.nodes.length];
    if (node === undefined) throw new Error('no node is left');
    return node;
  }
}

const n = fc.nat({ max: 1_000 });
const act: fc.Arbitrary<(run: Run) => Promise<void> | void> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(n, n).map(
      ([a, b]) =>
        (run: Run) =>
          run.send(a, b),
    ),
  },
  {
    weight: 5,
    arbitrary: fc.tuple(n, n).map(
      ([a, b]) =>
        (run: Run) =>
          run.forward(a, b),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(n, n).map(
      ([a, b]) =>
        (run: Run) =>
          run.lose(a, b),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(n, n).map(
      ([a, b]) =>
        (run: Run) =>
          run.loseForwarded(a, b),
    ),
  },
  { weight: 5, arbitrary: n.map((a) => (run: Run) => run.read(a)) },
  { weight: 4, arbitrary: n.map((a) => (run: Run) => run.dispose(a)) },
  { weight: 2, arbitrary: fc.constant((run: Run) => run.hub.settle()) },
  { weight: 1, arbitrary: n.map((a) => (run: Run) => run.kill(a)) },
);

describeWithSharedMemory(
  'values that are sent, forwarded, read and disposed in any order by processes that may end',
  () => {
    it('are never garbage, never copied, and leave nothing', async function () {
      this.timeout(300_000);
      await fc.assert(
        fc.asyncProperty(fc.array(act, { maxLength: 40, size: 'max' }), async (acts) => {
          const run = new Run();
          for (const each of acts) {
            await each(run);
            run.check();
          }
          await run.end();
        }),
        { numRuns: Number(process.env['MILLRACE_TEST_HUBS'] ?? 60) },
      );
    });
  },
);
