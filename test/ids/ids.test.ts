import { expect } from 'chai';
import * as fc from 'fast-check';
import { CapacityError, ConfigError, ProtocolError } from '#src/errors.js';
import * as ids from '#src/ids/index.js';

const tables: readonly (readonly [
  string,
  Readonly<Record<string, ids.Band>>,
  (id: bigint) => bigint,
  (id: bigint) => ids.Place<string> | undefined,
])[] = [
  ['process', ids.processBands, ids.pUid, ids.placeOfPUid],
  ['channel', ids.channelBands, ids.cUid, ids.placeOfCUid],
  ['pool', ids.poolBands, ids.mUid, ids.placeOfMUid],
];

const node = fc.nat({ max: ids.MAX_NODES - 1 });
const hostId = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

for (const [kind, bands, check, place] of tables) {
  describe(`the ids of a ${kind}`, () => {
    const rows = Object.entries(bands);

    it('lie in bands that are disjoint, pair by pair', () => {
      for (const [role, band] of rows) {
        for (const [other, its] of rows) {
          if (role !== other)
            expect(band.end <= its.first || its.end <= band.first, `${role} and ${other}`).to.equal(true);
        }
      }
    });

    it('fit into their bands and into 64 bits', () => {
      for (const [role, { first, end, count }] of rows) {
        expect(first >= 0n && first + count <= end && end <= 2n ** 64n, role).to.equal(true);
      }
    });

    it('are read back as their role and index', () => {
      const anId = fc
        .constantFrom(...rows)
        .chain(([role, { first, count }]) =>
          fc.bigInt({ min: 0n, max: count - 1n }).map((index) => ({ role, index, id: first + index })),
        );
      fc.assert(
        fc.property(anId, ({ role, index, id }) => {
          expect(place(id)).to.deep.equal({ role, index });
          expect(check(id)).to.equal(id);
        }),
      );
    });

    it('include both edges of each band and nothing just outside', () => {
      for (const [role, { first, count }] of rows) {
        expect(place(first)).to.deep.equal({ role, index: 0n });
        expect(place(first + count - 1n)).to.deep.equal({ role, index: count - 1n });
        expect(place(first - 1n)?.role, role).not.to.equal(role);
        expect(place(first + count)?.role, role).not.to.equal(role);
      }
    });

    it('are refused where no band is', () => {
      const gaps = rows.map(([, { first, count }]) => first + count).filter((id) => place(id) === undefined);
      for (const id of [-1n, 2n ** 64n, ...gaps])
        expect(() => check(id), String(id)).to.throw(ProtocolError, String(id));
    });
  });
}

describe('ids of nodes', () => {
  const ofNode = {
    transportServicePUid: [ids.transportServicePUid, 2n ** 8n],
    transportAgentCUid: [ids.transportAgentCUid, 2n ** 55n],
    shepherdCUid: [ids.shepherdCUid, 2n ** 56n],
    launcherBackendCUid: [ids.launcherBackendCUid, 2n ** 57n],
    loggingServiceCUid: [ids.loggingServiceCUid, 2n ** 59n],
    nodeDefaultMUid: [ids.nodeDefaultMUid, 0n],
    nodeLoggingMUid: [ids.nodeLoggingMUid, 2n ** 61n],
  } as const;

  for (const [name, [make, base]] of Object.entries(ofNode)) {
    it(`${name} adds the index to its base, up to the largest number of nodes`, () => {
      fc.assert(fc.property(node, (index) => make(index) === base + BigInt(index)));
      for (const index of [-1, ids.MAX_NODES, 0.5, Number.NaN])
        expect(() => make(index)).to.throw(ConfigError, 'node index');
    });
  }

  it('gives node 2 the transport service 258', () => {
    expect(ids.transportServicePUid(2)).to.equal(258n);
  });

  it('gives each gateway of each node its own', () => {
    const gateway = fc.nat({ max: ids.GATEWAYS_PER_NODE - 1 });
    fc.assert(
      fc.property(node, gateway, (index, j) => {
        const id = ids.gatewayCUid(index, j);
        expect(id).to.equal(2n ** 58n + BigInt(index) * BigInt(ids.GATEWAYS_PER_NODE) + BigInt(j));
        expect(ids.placeOfCUid(id)?.role).to.equal('gateway');
        expect(ids.describeId('channel', id)).to.equal(`gateway ${j} of node ${index}`);
      }),
    );
    expect(() => ids.gatewayCUid(0, ids.GATEWAYS_PER_NODE)).to.throw(ConfigError);
    expect(() => ids.gatewayCUid(ids.MAX_NODES, 0)).to.throw(ConfigError);
  });
});

describe('ids of hosts', () => {
  it('stay in their band for every host id: the adder is reduced, not the sum', () => {
    fc.assert(
      fc.property(hostId, (host) => {
        const reduced = host % 2n ** 60n;
        expect(ids.placeOfCUid(ids.backendGatewayCUid(host))).to.deep.equal({ role: 'backendGateway', index: reduced });
        expect(ids.placeOfCUid(ids.backendFrontendCUid(host))).to.deep.equal({
          role: 'backendFrontend',
          index: reduced,
        });
        expect(ids.backendLocalCUid(host, 'in')).to.equal(2n ** 61n + ((2n * host) % 2n ** 61n));
        expect(ids.backendLocalCUid(host, 'out')).to.equal(2n ** 61n + ((2n * host + 1n) % 2n ** 61n));
      }),
    );
  });

  it('refuse a negative host id', () => {
    expect(() => ids.backendGatewayCUid(-1n)).to.throw(ConfigError, 'Host id -1');
  });
});

describe('ids in sequence', () => {
  it('count from the base, and are refused past the end', () => {
    expect(ids.managedPUid(0)).to.equal(2n ** 32n);
    expect(ids.globalServicesCandidatePUid(1)).to.equal(2n ** 31n + 1n);
    expect(() => ids.globalServicesCandidatePUid(2 ** 31)).to.throw(ConfigError, 'out of range');
    expect(ids.debugCUid(1)).to.equal(2n ** 33n + 1n);
    expect(ids.globalServicesReturnCUid(0)).to.equal(2n ** 62n + 2n ** 60n);
    expect(ids.shepherdReturnCUid(0n)).to.equal(3n * 2n ** 61n);
    expect(() => ids.debugCUid(2 ** 33)).to.throw(ConfigError, 'out of range');
    expect(() => ids.globalServicesReturnCUid(2n ** 60n)).to.throw(ConfigError);
    expect(() => ids.shepherdReturnCUid(-1)).to.throw(ConfigError);
  });
});

describe('describeId', () => {
  it('says who has an id', () => {
    expect(ids.describeId('process', 0n)).to.equal('launcher');
    expect(ids.describeId('process', 258n)).to.equal('transport service 2');
    expect(ids.describeId('process', 2n ** 31n + 7n)).to.equal('global services candidate 7');
    expect(ids.describeId('channel', ids.backendLocalCUid(7n, 'out'))).to.equal('backend local out 7');
    expect(ids.describeId('channel', ids.userCUid(3, 9))).to.equal('user 3:9');
    expect(ids.describeId('pool', 5n)).to.equal('node default 5');
    expect(ids.describeId('channel', 3n)).to.equal('membership');
    expect(ids.describeId('channel', 4n)).to.equal('no channel (4)');
  });
});

describe('allocators', () => {
  it('hand out p_uids from 2^32 up, none twice, until none is left', () => {
    const allocator = new ids.ManagedPUidAllocator();
    expect([allocator.next(), allocator.next()]).to.deep.equal([2n ** 32n, 2n ** 32n + 1n]);
    const last = new ids.ManagedPUidAllocator(2n ** 64n - 2n ** 32n - 1n);
    expect(last.next()).to.equal(2n ** 64n - 1n);
    expect(() => last.next()).to.throw(CapacityError);
  });

  it('lease each block once, until none is left', () => {
    const allocator = new ids.OrdinalAllocator(ids.MAX_ORDINALS - 2);
    expect([allocator.lease(), allocator.lease()]).to.deep.equal([ids.MAX_ORDINALS - 2, ids.MAX_ORDINALS - 1]);
    expect(() => allocator.lease()).to.throw(CapacityError);
  });

  it('number channels and pools of a block, whose owner is read off the id', () => {
    fc.assert(
      fc.property(fc.nat({ max: ids.MAX_ORDINALS - 1 }), fc.nat({ max: 2 ** 32 - 3 }), (ordinal, first) => {
        const allocator = new ids.CUidAllocator(ordinal, first);
        const [channel, pool] = [allocator.next(), allocator.nextMUid()];
        expect(channel).to.equal(2n ** 63n + (BigInt(ordinal) << 32n) + BigInt(first));
        expect(pool).to.equal(channel + 1n);
        expect(ids.ownerOrdinal(channel)).to.equal(ordinal);
        expect(ids.ownerOrdinal(pool)).to.equal(ordinal);
      }),
    );
  });

  it('never run over into the next block', () => {
    const allocator = new ids.CUidAllocator(5, ids.IDS_PER_ORDINAL - 1);
    expect(allocator.remaining).to.equal(1);
    expect(ids.ownerOrdinal(allocator.next())).to.equal(5);
    expect(() => allocator.next()).to.throw(CapacityError, 'block 5');
  });

  it('own no infrastructure id', () => {
    expect(ids.ownerOrdinal(2n ** 63n - 1n)).to.equal(undefined);
    expect(ids.ownerOrdinal(2n ** 64n)).to.equal(undefined);
  });
});
