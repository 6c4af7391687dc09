import { expect } from 'chai';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { Runtime } from '#src/actors/runtime/index.js';
import { bytesCodable, type MemoryPool } from '#src/descriptors/index.js';
import { UnreachableError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { silentLogger } from '#src/logging/index.js';
import { heldBy } from '../../descriptors/held-by.js';
import { describeWithSharedMemory } from '../../descriptors/pools.js';
import { rejection } from '../../support/rejection.js';
import { eventually } from '../../support/until.js';
import type { Order, Said } from './far-process.js';
import { isFilled } from './filled.js';

const program = fileURLToPath(new URL('far-process.js', import.meta.url));
const MIB = 1024 * 1024;

/** A process that runs far-process.ts, or a thread of this process that does. */
class Far {
  said: Said | undefined;
  readonly #process: ChildProcess | undefined;
  readonly #thread: Worker | undefined;

  constructor(kind: 'process' | 'thread', controlPlane: string) {
    if (kind === 'process') this.#process = fork(program, [controlPlane]);
    else this.#thread = new Worker(program, { workerData: controlPlane });
    const heard = (said: Said): void => void (this.said = said);
    this.#process?.on('message', heard);
    this.#thread?.on('message', heard);
  }

  tell(order: Order): void {
    this.#process?.send(order);
    this.#thread?.postMessage(order);
  }

  signal(name: NodeJS.Signals): void {
    this.#process?.kill(name);
  }

  /** kill -9, or the end of the thread in order. */
  async end(): Promise<void> {
    if (this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null) {
      const exit = once(this.#process, 'exit');
      this.#process.kill('SIGKILL');
      await exit;
    }
    if (this.#thread !== undefined && this.#thread.threadId > 0) {
      const exit = once(this.#thread, 'exit');
      this.tell({ kind: 'stop' });
      await exit;
    }
  }
}

describeWithSharedMemory('values between processes of the operating system', () => {
  let runtime: Runtime;
  let pool: MemoryPool;
  const far: Far[] = [];

  async function start(kind: 'process' | 'thread' = 'process'): Promise<Far> {
    const one = new Far(kind, runtime.controlPlane);
    far.push(one);
    await eventually(() => one.said !== undefined);
    return one;
  }

  beforeEach(async function () {
    this.timeout(120_000);
    runtime = await Runtime.start({ listen: 'unix:', keyless: 'loopback', ucx: 'off', log: silentLogger });
    pool = runtime.createPool({ limitBytes: 256 * MIB });
  });

  afterEach(async () => {
    for (const each of far.splice(0)) await each.end();
    await runtime.stop();
    expect(heldBy('self').mappings).to.equal(0);
  });

  /** Waits until this process holds, owns and maps nothing of others. */
  async function expectNothingLeft(): Promise<void> {
    await eventually(() => {
      const { owned, held } = runtime.metrics().values;
      return owned === 0 && held === 0 && pool.statistics.blocks === 0;
    });
    await eventually(() => {
      pool.trim();
      return heldBy('self').mappings === 0;
    }).catch((error: unknown) => {
      const left = JSON.stringify([pool.statistics, runtime.metrics().values]);
      throw new Error(`memory is still mapped: ${left}`, { cause: error });
    });
  }

  for (const kind of ['process', 'thread'] as const) {
    it(`are read where another ${kind} has written them: what it writes later is seen, and nothing is copied`, async function () {
      this.timeout(120_000);
      const writer = await start(kind);
      writer.tell({ kind: 'publish', name: 'frames', sizeBytes: 8 * MIB, values: 3 });
      const subscriber = await runtime.subscriber('frames', bytesCodable);
      let count = 0;
      for await (const bytes of subscriber) {
        expect([bytes.length, isFilled(bytes, count)]).to.deep.equal([8 * MIB, true]);
        count += 1;
        if (count < 3) continue;
        writer.tell({ kind: 'overwrite', fill: 77 });
        await eventually(() => bytes[8 * MIB - 1] === 77);
      }
      await eventually(() => writer.said?.ended === 'end');
      expect([count, writer.said?.bytesCopied, runtime.metrics().values.bytesCopied]).to.deep.equal([3, 0, 0]);
      await writer.end();
      await expectNothingLeft();
    });
  }

  it('end with UnreachableError at once when their writer is killed, what is read stays good, and nothing is left', async function () {
    this.timeout(120_000);
    const writer = await start();
    writer.tell({ kind: 'publish', name: 'frames', sizeBytes: MIB });
    const subscriber = await runtime.subscriber('frames', bytesCodable);
    const kept: { readonly bytes: Uint8Array; readonly mark: number; readonly descriptor: Disposable }[] = [];
    let count = 0;
    const reading = rejection(
      (async () => {
        for await (const descriptor of subscriber.descriptors()) {
          const mark = count & 0xff;
          count += 1;
          // Its memory may be gone before it is looked at the first time: that is an error, and no garbage.
          const bytes = await descriptor.takeValue();
          expect(isFilled(bytes, mark)).to.equal(true);
          if (kept.length < 4) kept.push({ bytes, mark, descriptor });
          else descriptor.dispose();
          if (count === 20) await writer.end();
        }
      })(),
    );
    expect(await reading).to.be.instanceOf(UnreachableError);
    expect(count).to.be.at.least(20);
    for (const { bytes, mark, descriptor } of kept) {
      expect(isFilled(bytes, mark)).to.equal(true);
      descriptor[Symbol.dispose]();
    }
    await expectNothingLeft();
  });

  it('are free again when their reader is killed, and their publisher goes on with the next one', async function () {
    this.timeout(180_000);
    const publisher = await runtime.publisher('frames', bytesCodable, { pool });
    let isOver = false;
    const writing = (async () => {
      for (let number = 0; !isOver; number += 1) {
        const block = await pool.allocate(MIB);
        try {
          block.bytes.fill(number & 0xff);
          await publisher.write(block.bytes);
        } finally {
          block.dispose();
        }
      }
    })();
    const stopped = rejection(writing);
    for (const _ of [1, 2]) {
      const reader = await start();
      reader.tell({ kind: 'read', name: 'frames', keep: 5 });
      await eventually(() => (reader.said?.read ?? 0) >= 30);
      expect(reader.said).to.include({ garbage: 0, bytesCopied: 0 });
      await reader.end();
      await eventually(() => publisher.statistics.subscribers === 0);
      // Only the value of the write that waits for the next reader is left.
      await eventually(() => runtime.metrics().values.owned === 0 && pool.statistics.blocks <= 1);
    }
    expect(publisher.statistics.lost).to.be.above(0);
    isOver = true;
    await publisher.close();
    await stopped;
    await expectNothingLeft();
  });

  for (const role of ['relay', 'reader'] as const) {
    it(`that a process sends on to a third are free again when the ${role} is killed, and none is garbage`, async function () {
      this.timeout(180_000);
      const publisher = await runtime.publisher('frames', bytesCodable, { pool });
      const far = { relay: await start(), reader: await start() };
      far.relay.tell({ kind: 'relay', from: 'frames', to: 'relayed' });
      far.reader.tell({ kind: 'read', name: 'relayed', keep: 3 });
      let isOver = false;
      const writing = rejection(
        (async () => {
          for (let number = 0; !isOver; number += 1) {
            const block = await pool.allocate(MIB);
            block.bytes.fill(number & 0xff);
            await publisher.write(block.bytes).finally(() => block.dispose());
          }
        })(),
      );
      await eventually(() => (far.reader.said?.read ?? 0) >= 20);
      await far[role].end();
      if (role === 'relay') await eventually(() => far.reader.said?.ended.startsWith('UnreachableError') === true);
      for (const { said } of [far.relay, far.reader]) expect(said).to.include({ garbage: 0, bytesCopied: 0 });
      isOver = true;
      await publisher.close();
      await writing.catch(() => {});
      // The relay holds what it could not send on, and the reader what it keeps.
      if (role === 'reader') await far.relay.end();
      else await far.reader.end();
      await expectNothingLeft();
    });
  }

  it('stay where they are while their reader is stopped, and are free when it stops in order', async function () {
    this.timeout(180_000);
    const publisher = await runtime.publisher('frames', bytesCodable, { pool });
    const reader = await start();
    reader.tell({ kind: 'read', name: 'frames', keep: 3 });
    const publish = async (fill: number): Promise<void> => {
      const block = await pool.allocate(MIB);
      block.bytes.fill(fill);
      await publisher.write(block.bytes);
      block.dispose();
    };
    await publish(0);
    await eventually(() => reader.said?.read === 1);
    reader.signal('SIGSTOP');
    for (const fill of [1, 2, 3, 4, 5]) await publish(fill);
    // Longer than a message about values waits for its answer: silence proves nothing.
    const sinceMs = performance.now();
    await eventually(() => performance.now() - sinceMs > 2 * limits.descriptorRetryMs);
    expect([runtime.metrics().values.owned, pool.statistics.blocks]).to.deep.equal([6, 6]);
    reader.signal('SIGCONT');
    await eventually(() => reader.said?.read === 6 && runtime.metrics().values.owned === 3);
    expect(reader.said).to.include({ garbage: 0, bytesCopied: 0 });
    reader.tell({ kind: 'stop' });
    await eventually(() => publisher.statistics.subscribers === 0);
    await publisher.close();
    await expectNothingLeft();
  });
});
