import { expect } from 'chai';
import { bytesCodable } from '#src/descriptors/index.js';
import { describeLinked } from '../runtime/harness.js';
import { pair, settled } from './harness.js';

/** `SOAK_VALUES=1000000` for a soak. */
const VALUES = Number(process.env['SOAK_VALUES'] ?? 500);
/** In the message, in one page, in several, and in memory of its own. */
const SIZES = [100, 5_000, 70_000, 300_000] as const;
const POOL_BYTES = 32 * 1024 * 1024;

function sizeOf(number: number): number {
  return SIZES[number % SIZES.length] ?? 0;
}

describeLinked(`${VALUES} values of mixed sizes`, (newCluster) => {
  it('leave no object, no block and no copy, and memory as it was half-way', async function () {
    this.timeout(120_000 + VALUES);
    const { writer, reader } = await pair(newCluster());
    const pool = writer.createPool({ limitBytes: POOL_BYTES });
    const publisher = await writer.publisher('values', bytesCodable, { pool });
    const subscriber = await reader.subscriber('values', bytesCodable);
    const reading = (async () => {
      let number = 0;
      for await (const bytes of subscriber) {
        const isRight =
          bytes.length === sizeOf(number) && bytes[0] === (number & 0xff) && bytes.at(-1) === (number & 0xff);
        if (!isRight) throw new Error(`value ${number} is wrong`);
        number += 1;
      }
      return number;
    })();
    const write = async (from: number, to: number): Promise<void> => {
      for (let number = from; number < to; number += 1) {
        using block = await pool.allocate(sizeOf(number));
        block.bytes[0] = number & 0xff;
        block.bytes[block.sizeBytes - 1] = number & 0xff;
        await publisher.write(block.bytes);
      }
    };
    await write(0, VALUES / 2);
    const halfWay = process.memoryUsage().rss;
    await write(VALUES / 2, VALUES);
    const grown = process.memoryUsage().rss - halfWay;
    await publisher.end();
    expect(await reading).to.equal(VALUES);
    await settled(writer, reader);
    expect(pool.statistics).to.include({ blocks: 0, leaks: 0, bytesCopied: 0 });
    expect(pool.statistics.reservedBytes).to.be.at.most(POOL_BYTES);
    expect(writer.metrics().values).to.include({ owned: 0, held: 0, violations: 0 });
    // The pool, what is mapped of it, and what the collector leaves for later.
    expect(grown).to.be.below(4 * POOL_BYTES);
  });
});
