import { expect } from 'chai';
import fc from 'fast-check';
import type { ActorRef, AskOptions, SendOptions } from '#src/actors/kernel/index.js';
import { MillraceError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { Listing } from './errands.js';
import { endWorlds, listing, PartitionWorld } from './partitions.js';

type Ref = ActorRef<typeof Listing>;

/** What becomes of a tell, an ask and a stream with these options: nothing, or the code of the error. */
async function outcomes(ref: Ref, options: SendOptions & AskOptions): Promise<readonly string[]> {
  const tell = async (): Promise<unknown> => ref.push({}, options);
  const calls = [tell, async () => ref.run({}, options), async () => ref.list({ value: 1 }, options).next()];
  return Promise.all(
    calls.map((call) =>
      call().then(
        () => 'accepted',
        (error: unknown) => (error instanceof MillraceError ? error.code : String(error)),
      ),
    ),
  );
}

const ACCEPTED = ['accepted', 'accepted', 'accepted'];
const REFUSED = ['PROTOCOL', 'PROTOCOL', 'PROTOCOL'];

describe('meta within a partition and over a link', () => {
  afterEach(endWorlds);

  async function setUp(): Promise<readonly [local: Ref, remote: Ref]> {
    const world = new PartitionWorld();
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    return [near.system.spawn(listing()), world.reach(near, Listing, far.system.spawn(listing()))];
  }

  it('is bounded in the same way, to the byte', async () => {
    const [local, remote] = await setUp();
    let refused = 0;
    const text = fc.constantFrom('a', 'é', '漢', '😀', '\ud800', '');
    const entries = fc.array(fc.tuple(text, text, fc.nat(300)), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(entries, fc.integer({ min: -3, max: 3 }), async (parts, off) => {
        const meta: Record<string, string> = {};
        for (const [index, [key, value, count]] of parts.entries()) meta[`${index}${key}`] = value.repeat(count);
        // One more entry, which comes to the limit or nearly: three bytes of tags, and seven of lengths.
        const used = parts.reduce((sum, [key, value, count], index) => {
          const keyBytes = Buffer.byteLength(`${index}${key}`);
          const valueBytes = Buffer.byteLength(value) * count;
          const lengths = 1 + (valueBytes < 128 ? 1 : 2) + (keyBytes + valueBytes + 4 < 128 ? 1 : 2);
          return sum + keyBytes + valueBytes + 3 + lengths;
        }, 0);
        meta['z'] = 'x'.repeat(Math.max(0, limits.metaBytes - used - 9 + off));
        const [here, there] = [await outcomes(local, { meta }), await outcomes(remote, { meta })];
        expect(here).to.deep.equal(there);
        if (here[0] === 'PROTOCOL') refused++;
        else expect(here).to.deep.equal(ACCEPTED);
      }),
      { numRuns: 60 },
    );
    expect(refused).to.be.within(5, 55);
  });

  it('is text, or refused', async () => {
    for (const ref of await setUp()) {
      for (const value of [5, undefined, {}]) {
        const options = { meta: { key: value } } as unknown as SendOptions;
        expect(await outcomes(ref, options)).to.deep.equal(REFUSED);
      }
    }
  });

  it('counts what a call inherits', async () => {
    const half = { first: 'x'.repeat(limits.metaBytes / 2) };
    const [local, remote] = await setUp();
    const world = new PartitionWorld();
    const near = await world.start('c/1');
    for (const ref of [local, remote]) {
      const caller = near.system.spawn(
        listing({
          run: async (_state, _request, ctx) => {
            const more = { meta: { second: 'x'.repeat(limits.metaBytes / 2) } };
            expect(() => ref.push({}, ctx.options(more))).to.throw(MillraceError, 'meta');
            return {};
          },
        }),
      );
      await caller.run({}, { meta: half });
    }
  });
});
