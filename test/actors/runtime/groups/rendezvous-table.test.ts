import { expect } from 'chai';
import fc from 'fast-check';
import { behavior } from '#src/actors/kernel/index.js';
import type { Member } from '#src/actors/runtime/groups/membership.js';
import { RendezvousTable } from '#src/actors/runtime/groups/rendezvous-table.js';
import { v1 } from '#src/protocol/index.js';
import { upTo } from '../../../support/numbers.js';
import { closeSystems, testSystem } from '../../kernel/harness.js';

const KEYS = upTo(400).map((number) => `key-${number}`);

describe('the table of the hash policy', () => {
  afterEach(closeSystems);

  /** Members that differ by their ids alone. */
  function memberMaker(): (cUid: bigint) => Member {
    const { system } = testSystem();
    const ref = system.spawn(behavior(v1.PartitionRuntime, { describe: () => ({}) }));
    const untyped: unknown = ref;
    return (cUid) => ({ ref: untyped as Member['ref'], cUid, isLocal: true, pending: 0 });
  }

  it('moves only the keys of members that have left, and those that a new member takes, in whatever order they come', () => {
    const member = memberMaker();
    const ids = fc.uniqueArray(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.array(ids, { minLength: 1, maxLength: 6 }), (changes) => {
        const table = new RendezvousTable();
        let before = new Map<string, bigint | undefined>();
        for (const cUids of changes) {
          const members = cUids.map(member);
          const owners = new Map(KEYS.map((key) => [key, table.ownerOf(key, members)?.cUid]));
          const fresh = new RendezvousTable();
          const reversed = members.toReversed();
          for (const [key, owner] of owners) {
            expect(owner).to.be.oneOf(cUids);
            expect(fresh.ownerOf(key, reversed)?.cUid).to.equal(owner);
            const earlier = before.get(key);
            // It stays with its owner, where that is still there and no new member takes it.
            if (earlier !== undefined && cUids.includes(earlier) && owner !== earlier) {
              expect([...before.values()]).to.not.include(owner);
            }
          }
          before = owners;
        }
      }),
      { numRuns: 20 },
    );
  });

  it('gives each of many members about as many keys', () => {
    const member = memberMaker();
    const members = upTo(64).map((number) => member(BigInt(number) << 32n));
    const table = new RendezvousTable();
    const counts = new Map<bigint, number>();
    for (let key = 0; key < 64_000; key++) {
      const { cUid = -1n } = table.ownerOf(String(key), members) ?? {};
      counts.set(cUid, (counts.get(cUid) ?? 0) + 1);
    }
    expect(counts.size).to.equal(64);
    expect(Math.min(...counts.values())).to.be.greaterThan(700);
    expect(Math.max(...counts.values())).to.be.lessThan(1_300);
  });

  it('has nobody for a key without members', () => {
    const table = new RendezvousTable();
    const member = memberMaker();
    expect(table.ownerOf('a', [])).to.equal(undefined);
    const some = [member(1n), member(2n)];
    expect(table.ownerOf('a', some)).to.be.oneOf(some);
    expect(table.ownerOf('a', [])).to.equal(undefined);
    expect(table.ownerOf('a', some)).to.be.oneOf(some);
  });
});
