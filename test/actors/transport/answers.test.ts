import { AsyncLocalStorage } from 'node:async_hooks';
import { expect } from 'chai';
import { later } from '#src/actors/kernel/index.js';
import { Refusal, RefusedError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { Timestamp } from '#src/protocol/index.js';
import { millraceRejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { Errands, Listing } from './errands.js';
import { endWorlds, errands, listing, PartitionWorld } from './partitions.js';

for (const isReal of [false, true]) {
  describe(`refusals and contexts over a link, in ${isReal ? 'real' : 'virtual'} time`, () => {
    afterEach(endWorlds);

    async function setUp() {
      const world = new PartitionWorld({ isReal });
      const [near, far] = [await world.start('a/1'), await world.start('b/1')];
      return { world, near, far };
    }

    it('answer an ask with the refusal of its handler, its detail included', async () => {
      const { world, near, far } = await setUp();
      const shelf = far.system.spawn(
        errands({
          run: (_state, { value }) => {
            if (value === 0) throw new Refusal('EMPTY', 'no errand', { type: Timestamp, value: { seconds: 5n } });
            throw Object.assign(new RangeError('far'), { code: value });
          },
        }),
      );
      const ref = world.reach(near, Errands, shelf);
      const error = await millraceRejection(ref.run({ value: 0 }));
      expect(error).to.be.instanceOf(RefusedError).and.to.include({ reason: 'EMPTY', message: 'no errand' });
      const { detail } = error as RefusedError;
      expect(detail?.typeName).to.equal('google.protobuf.Timestamp');
      expect(detail?.as(Timestamp)).to.deep.equal({ seconds: 5n, nanos: 0 });
      const failed = await millraceRejection(ref.run({ value: 7 }));
      expect(failed).to.include({ code: 'HANDLER', handlerName: 'RangeError', handlerCode: 7 });
      expect(failed).to.not.have.property('cause');
      expect(far.system.statistics).to.include({ failures: 1, restarts: 0 });
    });

    it('cut a long reason and a long message, and say so', async () => {
      const { world, near, far } = await setUp();
      const shelf = far.system.spawn(
        errands({
          run: () => {
            throw new Refusal('R'.repeat(2_000), 'm'.repeat(5_000));
          },
        }),
      );
      const error = await millraceRejection(world.reach(near, Errands, shelf).run({}));
      expect(error).to.include({
        reason: `${'R'.repeat(limits.refusalReasonCharacters)} ...`,
        message: `${'m'.repeat(limits.errorMessageCharacters)} ...`,
      });
    });

    it('refuse what is no message, as an answer and as an element', async () => {
      const { world, near, far } = await setUp();
      let given: unknown;
      const shelf = far.system.spawn(
        listing({
          run: (_state, { value }) => (value === 0 ? given : later(Promise.resolve(given))) as object,
          list: async function* () {
            yield given as object;
          },
        }),
      );
      const ref = world.reach(near, Listing, shelf);
      const wrong = [undefined, null, 'text', 42, [1], new Map(), new Error('x'), new Refusal('NONE', 'no such')];
      for (given of wrong) {
        const failures = [
          await millraceRejection(ref.run({ value: 0 })),
          await millraceRejection(ref.run({ value: 1 })),
          await millraceRejection(ref.list({}).next()),
        ];
        for (const error of failures) {
          expect(error).to.include({ code: 'HANDLER', handlerName: 'ProtocolError', handlerCode: 'PROTOCOL' });
          expect(error.message).to.match(/^the handler of test\.Listing\.(Run|List) (returned|yielded) /);
        }
      }
      given = { value: 5 };
      expect(await ref.run({ value: 0 })).to.include({ value: 5 });
    });

    it('are handled in no AsyncLocalStorage of their sender or of another, also where it opened the link', async () => {
      const { world, near, far } = await setUp();
      const storage = new AsyncLocalStorage<number>();
      const seen: unknown[] = [];
      const see = (): void => void seen.push(storage.getStore());
      const worker = far.system.spawn(
        errands({
          push: see,
          run: (_state, { value }) => {
            see();
            storage.enterWith(-value);
            return Promise.resolve({ value });
          },
        }),
      );
      const ref = world.reach(near, Errands, worker);
      const replies = await Promise.all(
        [1, 2, 3].map((value) =>
          storage.run(value, async () => {
            const reply = await ref.run({ value });
            ref.push({});
            return [reply.value, storage.getStore()];
          }),
        ),
      );
      expect(replies).to.deep.equal([
        [1, 1],
        [2, 2],
        [3, 3],
      ]);
      await until('all to arrive', () => seen.length === 6);
      expect(seen.every((store) => store === undefined)).to.equal(true);
      storage.disable();
    });
  });
}
