import { expect } from 'chai';
import { Storage } from '#src/descriptors/index.js';
import { limits } from '#src/limits.js';
import { encodedSize, v1 } from '#src/protocol/index.js';
import { upTo } from '../support/numbers.js';
import { expectNothingLeft, SIZE, Trio } from './trio.js';

const MANY = 100_000;

describe('the description of a ledger', () => {
  it('is as small with 100,000 values as with a few, and its totals count all of them', async function () {
    this.timeout(120_000);
    const { hub, owner, reader, third } = new Trio('private');
    const storage = new Storage(owner.pool);
    await storage.reserve(SIZE);
    let freed = 0;
    for (const number of upTo(MANY)) {
      const to = number % 4 === 0 ? third : reader;
      owner.manager.describeShared({ typeName: 'acme.Tile', origin: 'a test' }, storage, to.name, () => (freed += 1));
    }
    storage.dispose();
    const ledger = v1.LedgerDescription.create(owner.manager.ledger());
    expect(ledger.owned).to.deep.equal({ values: MANY, sizeBytes: MANY * SIZE });
    expect(ledger.holders.map(({ amount }) => amount?.values)).to.deep.equal([75_000, 25_000]);
    expect(ledger.oldestOwned).to.have.length(limits.describedValues);
    expect(encodedSize(v1.LedgerDescription, ledger)).to.be.below(4_096);
    hub.kill(reader);
    hub.kill(third);
    expect(freed).to.equal(MANY);
    const { endedPeers, reclaimed, owned } = v1.LedgerDescription.create(owner.manager.ledger());
    expect(endedPeers.map((ended) => ended.freed?.values)).to.deep.equal([25_000, 75_000]);
    expect([reclaimed?.values, owned?.values]).to.deep.equal([MANY, 0]);
    expectNothingLeft(owner);
    hub.close();
  });

  it('remembers the peers that ended last, and none that had no values here', async () => {
    const { hub, owner } = new Trio('private');
    const storage = new Storage(owner.pool);
    await storage.reserve(SIZE);
    for (const number of upTo(100)) {
      const peer = `5:${number + 10}`;
      owner.manager.joined(peer);
      if (number % 2 === 0) {
        owner.manager.describeShared({ typeName: 'acme.Tile', origin: 'a test' }, storage, peer, () => {});
      }
      owner.manager.ended(peer);
    }
    const { endedPeers } = v1.LedgerDescription.create(owner.manager.ledger());
    expect(endedPeers).to.have.length(limits.describedPeers);
    expect(endedPeers.slice(0, 2).map(({ peer }) => peer?.incarnation)).to.deep.equal([108n, 106n]);
    storage.dispose();
    expectNothingLeft(owner);
    hub.close();
  });
});
