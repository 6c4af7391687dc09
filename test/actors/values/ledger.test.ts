import { expect } from 'chai';
import { later, systemKey } from '#src/actors/kernel/index.js';
import type { Runtime } from '#src/actors/runtime/index.js';
import { thrownByHandler } from '#src/protocol/errors/index.js';
import { bytesCodable, type Descriptor } from '#src/descriptors/index.js';
import { ProtocolError, UnreachableError } from '#src/errors.js';
import { descriptorsCUid } from '#src/ids/index.js';
import { limits } from '#src/limits.js';
import { v1 } from '#src/protocol/index.js';
import { rejection } from '../../support/rejection.js';
import { upTo } from '../../support/numbers.js';
import { closeAfterEach, Cluster, describeHosted, describeLinked, until } from '../runtime/harness.js';
import type { Errand } from '../transport/errands.js';
import { errands } from '../transport/partitions.js';
import { echo } from './echo.js';
import { pair, patterned, settled } from './harness.js';

const SIZE = 100_000;
const NOTHING = { values: 0, sizeBytes: 0 };

/** What the first partition of a runtime says of its values. */
function ledgerOf(runtime: Runtime): v1.LedgerDescription {
  const [first] = runtime.describe().partitions ?? [];
  return v1.LedgerDescription.create(first?.ledger ?? {});
}

function amount(values: number): v1.ValueAmount {
  return { values, sizeBytes: values * SIZE };
}

/** Publishes values, and reads them without giving any back. */
async function kept(writer: Runtime, reader: Runtime, values: number): Promise<Descriptor<Uint8Array>[]> {
  const publisher = await writer.publisher('frames', bytesCodable);
  const subscriber = await reader.subscriber('frames', bytesCodable);
  for (const mark of upTo(values)) await publisher.write(patterned(SIZE, mark));
  const held: Descriptor<Uint8Array>[] = [];
  for await (const descriptor of subscriber.descriptors()) if (held.push(descriptor) === values) break;
  return held;
}

describeLinked('the ledger of values', (newCluster) => {
  it('says who holds what, since when and from where, and is empty when all was given back', async () => {
    const { writer, reader } = await pair(newCluster());
    const held = await kept(writer, reader, 3);
    const [[writing = 0], [reading = 0]] = [writer.ordinals, reader.ordinals];

    const owner = ledgerOf(writer);
    expect([owner.owned, owner.held]).to.deep.equal([amount(3), NOTHING]);
    expect(owner.holders.map(({ peer, amount: of }) => [peer?.ordinal, of])).to.deep.equal([[reading, amount(3)]]);
    expect(owner.oldestOwned.map(({ number }) => number)).to.deep.equal([1, 2, 3]);
    for (const { typeName, origin, sizeBytes, ageMs, holders } of owner.oldestOwned) {
      expect([typeName, origin, sizeBytes]).to.deep.equal([bytesCodable.typeName, 'publisher frames', SIZE]);
      expect(ageMs).to.be.at.least(0);
      expect(holders.map(({ ordinal }) => ordinal)).to.deep.equal([reading]);
    }
    const holder = ledgerOf(reader);
    expect([holder.owned, holder.held]).to.deep.equal([NOTHING, amount(3)]);
    expect(holder.owners.map(({ peer, amount: of }) => [peer?.ordinal, of])).to.deep.equal([[writing, amount(3)]]);
    expect(holder.oldestHeld.map(({ owner: of, number }) => [of?.ordinal, number])).to.deep.equal([
      [writing, 1],
      [writing, 2],
      [writing, 3],
    ]);
    const [pool] = writer.describe().partitions?.[0]?.pools ?? [];
    expect(pool).to.include({
      name: 'values',
      limitBytes: limits.poolBytes,
      usedBytes: 3 * SIZE,
      blocks: 3,
      waiting: 0,
    });
    expect(() => JSON.stringify(writer.describe())).not.to.throw();

    for (const descriptor of held) descriptor.dispose();
    await settled(writer, reader);
    for (const runtime of [writer, reader]) {
      const { owned, held: left, holders, owners, oldestOwned, oldestHeld } = ledgerOf(runtime);
      expect([owned, left, holders, owners, oldestOwned, oldestHeld]).to.deep.equal([NOTHING, NOTHING, [], [], [], []]);
    }
  });
});

describeHosted({ title: 'the ledger of values of a partition elsewhere', everywhere: true }, (newCluster) => {
  it('is told to its runtime, with its pools', async () => {
    const cluster = newCluster();
    const runtime = await cluster.start();
    const ref = await runtime.place(echo, { on: cluster.placement === 'process' ? 'processes' : 'threads' });
    const load = patterned(2 * limits.inlineFieldBytes, 5);
    expect((await ref.run({ load }, { timeoutMs: 20_000 })).load).to.deep.equal(load);
    // What a partition elsewhere says of itself comes once a second.
    await until(() => {
      const [, hosted] = runtime.describe().partitions ?? [];
      const pools = hosted?.pools ?? [];
      return (
        hosted?.ledger?.owned?.values === 0 && pools.some(({ name, waits }) => name === 'values' && waits !== undefined)
      );
    });
  });
});

describe('the ledger of values, when processes end', () => {
  closeAfterEach();

  it('says what a reader that ended had held, and that it is free', async () => {
    const cluster = new Cluster();
    const { writer, reader } = await pair(cluster);
    const [reading = 0] = reader.ordinals;
    await kept(writer, reader, 4);
    cluster.executor.crash(reader.node);
    await until(() => ledgerOf(writer).endedPeers.length === 1);
    const { endedPeers, owned, reclaimed, holders } = ledgerOf(writer);
    const [ended] = endedPeers;
    expect([ended?.peer?.ordinal, ended?.held, ended?.freed]).to.deep.equal([reading, amount(4), amount(4)]);
    expect([ended?.lost, ended?.kept, owned, reclaimed, holders]).to.deep.equal([
      NOTHING,
      NOTHING,
      NOTHING,
      amount(4),
      [],
    ]);
  });

  it('says what of a writer that ended was lost', async () => {
    const cluster = new Cluster();
    await cluster.start();
    const { writer, reader } = await pair(cluster);
    const held = await kept(writer, reader, 2);
    cluster.executor.crash(writer.node);
    await until(() => ledgerOf(reader).endedPeers.length === 1);
    const { endedPeers, held: left } = ledgerOf(reader);
    expect([endedPeers[0]?.held, endedPeers[0]?.lost, left]).to.deep.equal([NOTHING, amount(2), NOTHING]);
    for (const descriptor of held) descriptor.dispose();
  });

  it('refuses to be asked for the bytes of a value by a partition that does not hold it, and by nobody', async () => {
    const cluster = new Cluster();
    const { writer, reader } = await pair(cluster);
    const stranger = await cluster.start();
    const held = await kept(writer, reader, 1);
    const [ordinal = 0] = writer.ordinals;
    const { incarnation } = writer[systemKey];
    /** Bytes that a program of `from` gets of the value. */
    const fetched = async (from: Runtime): Promise<number> => {
      const owner = { cUid: descriptorsCUid(ordinal, incarnation), incarnation, service: v1.Descriptors.typeName };
      let value = 0;
      for await (const { bytes } of from[systemKey].reference(v1.Descriptors, owner).fetch({ object: 1, part: 0 })) {
        value += bytes.length;
      }
      return value;
    };
    const asked = (from: Runtime): Promise<Errand> =>
      from
        .spawn(
          errands({
            run: () =>
              later(
                fetched(from).then(
                  (value) => ({ value }),
                  (error) => Promise.reject(thrownByHandler(error) as Error),
                ),
              ),
          }),
        )
        .run({});
    expect(thrownByHandler(await rejection(fetched(reader)))).to.be.instanceOf(ProtocolError);
    const refusal = thrownByHandler(await rejection(asked(stranger)));
    expect(refusal).to.be.instanceOf(UnreachableError);
    expect(String(refusal)).to.include('which does not hold it');
    expect((await asked(reader)).value).to.equal(SIZE);
    for (const descriptor of held) descriptor.dispose();
    await settled(writer, reader);
  });
});
