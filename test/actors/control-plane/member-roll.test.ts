import { expect } from 'chai';
import fc from 'fast-check';
import { decodeRoll, encodeRoll, type Enrolled, MemberRoll, ROLL_KEY } from '#src/actors/control-plane/member-roll.js';
import { Deferred } from '#src/deferred.js';
import { ConfigError, StoppedError, UnreachableError } from '#src/errors.js';
import { MemoryStore, MemoryStoreContent } from '#src/index.js';
import { limits } from '#src/limits.js';
import { memoryLogger } from '#src/logging/index.js';
import { VirtualScheduler } from '#src/scheduler/index.js';
import { rejection } from '../../support/rejection.js';

const member = (pUid: bigint): Enrolled => ({ pUid, address: `memory://node-${pUid}/1` });
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function world(content = new MemoryStoreContent()) {
  const scheduler = new VirtualScheduler({ seed: 7 });
  const store = new MemoryStore(content, scheduler);
  const lease = { epoch: 2n, isHeld: true };
  const log = memoryLogger();
  const roll = new MemberRoll({ store, scheduler, log, lease });
  const inStore = (): readonly bigint[] | undefined =>
    decodeRoll(content.get(ROLL_KEY)?.value ?? bytes('{"members":1,"processes":[]}'), 'here')?.map(({ pUid }) => pUid);
  return { content, scheduler, store, lease, log, roll, inStore };
}

describe('the list of members in the cluster store', () => {
  it('is read as it was written', () => {
    const members = fc.array(fc.record({ pUid: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), address: fc.string() }));
    fc.assert(fc.property(members, (all) => void expect(decodeRoll(encodeRoll(all), 'here')).to.deep.equal(all)));
  });

  it('says that nobody knows them where they are too many for the store', () => {
    const many = Array.from({ length: limits.storeValueBytes / 32 }, (_, index) => member(BigInt(index)));
    expect(decodeRoll(encodeRoll(many), 'here')).to.equal(undefined);
  });

  for (const text of ['', 'x', '7', '{}', '{"members":2}', '{"members":1}', '{"members":1,"processes":[7]}']) {
    it(`is refused where it is ${text === '' ? 'nothing' : text}`, () => {
      expect(() => decodeRoll(bytes(text), 'the key "members"')).to.throw(
        ConfigError,
        /the key "members".*same version/,
      );
    });
  }

  it('is refused or read, whatever it is', () => {
    const any = fc.oneof(fc.uint8Array(), fc.json().map(bytes));
    fc.assert(
      fc.property(any, (value) => {
        try {
          decodeRoll(value, 'here');
        } catch (error) {
          expect(error).to.be.instanceOf(ConfigError);
        }
      }),
    );
  });

  it('has a member before that is told that it has joined; many that join at a time are one write', async () => {
    const { roll, store, inStore } = world();
    const members: Enrolled[] = [];
    let writes = 0;
    const compareAndSet = store.compareAndSet.bind(store);
    store.compareAndSet = (...given) => {
      writes += 1;
      return compareAndSet(...given);
    };
    roll.begin(() => [...members]);
    expect(await roll.before()).to.equal(undefined);
    const joined = [1n, 2n, 3n, 4n].map((pUid) => {
      members.push(member(pUid));
      return roll.enrolled(pUid).then(() => expect(inStore()).to.include(pUid));
    });
    await Promise.all(joined);
    expect(writes).to.be.at.most(2);
    await roll.enrolled(3n);
    members.splice(0, 1);
    await roll.changed();
    expect(inStore()).to.deep.equal([2n, 3n, 4n]);
  });

  it('has a member of which it says so, also one that comes in any of the turns in which a write ends', async () => {
    for (let turns = 0; turns < 12; turns++) {
      const { roll, store, inStore } = world();
      const members = [member(1n)];
      const compareAndSet = store.compareAndSet.bind(store);
      const written = new Deferred<void>();
      store.compareAndSet = async (...given) => {
        const result = await compareAndSet(...given);
        written.resolve();
        return result;
      };
      roll.begin(() => [...members]);
      const first = roll.changed();
      await written.promise;
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      members.push(member(2n));
      await roll.changed();
      expect(inStore(), `after ${turns} turns`).to.deep.equal([1n, 2n]);
      await first;
    }
  });

  it('is that of the leader before until something changes, also where a write of that one came late or was not answered', async () => {
    const { roll, store, content, inStore } = world();
    content.compareAndSet(ROLL_KEY, encodeRoll([member(1n), member(2n)]), undefined);
    expect((await roll.before())?.map(({ pUid }) => pUid)).to.deep.equal([1n, 2n]);
    roll.begin(() => [member(1n), member(3n)]);
    await roll.enrolled(1n);
    expect(inStore()).to.deep.equal([1n, 2n]);
    content.compareAndSet(ROLL_KEY, encodeRoll([member(2n)]), content.get(ROLL_KEY)?.revision);
    const compareAndSet = store.compareAndSet.bind(store);
    let failures = 0;
    store.compareAndSet = async (...given) => {
      const result = await compareAndSet(...given);
      if (++failures < 3) throw new UnreachableError('it was not answered');
      return result;
    };
    await roll.enrolled(3n);
    expect(inStore()).to.deep.equal([1n, 3n]);
  });

  it('is not written any more when the lease is over', async () => {
    const { roll, lease, store, inStore } = world();
    roll.begin(() => [member(1n)]);
    store.compareAndSet = () => Promise.reject(new UnreachableError('it is away'));
    const enrolled = rejection(roll.enrolled(1n));
    lease.isHeld = false;
    expect(await enrolled).to.be.instanceOf(StoppedError);
    expect(inStore()).to.deep.equal([]);
    roll.close();
    expect(await rejection(roll.changed())).to.be.instanceOf(StoppedError);
  });
});
