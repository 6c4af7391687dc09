import { expect } from 'chai';
import { limits } from '#src/limits.js';
import type { v1 } from '#src/protocol/index.js';
import { type EnvelopeHeader, EnvelopeMode, Lane } from '#src/protocol/index.js';
import { upTo } from '../../support/numbers.js';
import { turn, until } from '../../support/until.js';
import { Errands, list, push } from '../../actors/transport/errands.js';
import { endWorlds, errands, listing, PartitionWorld } from '../../actors/transport/partitions.js';
import { Stranger } from '../../actors/transport/stranger.js';

const MANY = 25_000;
/** Messages in one frame. */
const BATCH = 1_000;
/** Messages after which the honest peer asks. */
const ASK_EVERY = 5 * BATCH;

describe('a peer that floods its link', function () {
  this.timeout(180_000);
  afterEach(endWorlds);

  async function setUp(options: ConstructorParameters<typeof PartitionWorld>[0] = {}) {
    const world = new PartitionWorld(options);
    const [far, honest] = [await world.start('b/1'), await world.start('c/1')];
    far.system.spawn(errands(), { cUid: 3n });
    far.system.spawn(listing(), { cUid: 4n });
    const ref = honest.system.referenceTo(Errands, honest.router.routeTo(far.address, 3n));
    await ref.run({});
    const transport = world.network.transport({ node: 'evil', process: '1' });
    const stranger = new Stranger(transport, await transport.connect(far.address, { timeoutMs: 1_000 }));
    await until('the link', () => [...far.router.channels()].length === 2);
    const channel = [...far.router.channels()].find(({ name }) => name.address.includes('evil'));
    if (channel === undefined) throw new Error('no channel of the flooding peer');
    return { world, far, honest, stranger, channel, ref };
  }

  type SetUp = Awaited<ReturnType<typeof setUp>>;

  /** Sends this many messages, as fast as the link takes them. The honest peer is served meanwhile. */
  async function flood({ stranger, ref }: SetUp, message: (index: number) => Uint8Array, count = MANY): Promise<void> {
    for (let sent = 0; sent < count && stranger.link.isOpen; ) {
      const frame = Buffer.concat(upTo(Math.min(BATCH, count - sent)).map((index) => message(sent + index)));
      const buffer = stranger.link.acquire(Lane.data, frame.length);
      if (buffer === undefined) {
        await turn();
        continue;
      }
      sent += Math.min(BATCH, count - sent);
      buffer.set(frame);
      stranger.link.send(Lane.data, buffer, frame.length);
      stranger.transport.flush();
      if (sent % ASK_EVERY === 0) expect(await ref.run({ value: sent })).to.deep.include({ value: sent });
    }
    expect(await ref.run({ value: 7 }), 'the honest peer').to.deep.include({ value: 7 });
  }

  const word = ({ stranger }: SetUp, message: v1.LinkMessageInit['message']): Uint8Array => stranger.word({ message });
  const actor = (index: number): bigint => BigInt(1_000 + index);

  const floods: Readonly<Record<string, (index: number) => v1.LinkMessageInit['message']>> = {
    'watches of actors that do not exist': (index) => ({ case: 'watch', value: { cUid: actor(index) } }),
    'watches of one actor': () => ({ case: 'watch', value: { cUid: 3n } }),
    'watches and unwatches of one actor': (index) => ({
      case: index % 2 === 0 ? 'watch' : 'unwatch',
      value: { cUid: 3n },
    }),
    'unwatches of actors that do not exist': (index) => ({ case: 'unwatch', value: { cUid: actor(index) } }),
    'confirmations of watches that nobody asked for': (index) => ({ case: 'watching', value: { cUid: actor(index) } }),
    'ends of actors that nobody watches': (index) => ({ case: 'terminated', value: { cUid: actor(index) } }),
    'aborts of asks that do not exist': (index) => ({ case: 'askAborted', value: { correlation: index + 1 } }),
    'credit for streams that do not exist': (index) => ({
      case: 'streamCredit',
      value: { stream: index + 1, items: 5, bytes: 5n, received: 0, isGap: false },
    }),
    'cancellations of streams that do not exist': (index) => ({ case: 'streamCancel', value: { stream: index + 1 } }),
    'ends of streams that do not exist': (index) => ({ case: 'streamEnd', value: { stream: index + 1, elements: 0 } }),
    'confirmed ends of streams that do not exist': (index) => ({
      case: 'streamClosed',
      value: { stream: index + 1, isReader: true },
    }),
    'mailboxes that have room': (index) => ({ case: 'pressure', value: { cUid: actor(index), isFull: false } }),
    'the same hello': () => ({ case: 'hello', value: { version: 1, address: 'memory://evil/1/9', incarnation: 4n } }),
  };
  for (const [name, message] of Object.entries(floods)) {
    it(`with ${name} fills no table, and holds nobody up`, async () => {
      const world = await setUp();
      await flood(world, (index) => word(world, message(index)));
      const { channel, far } = world;
      expect(channel.watches.size).to.be.at.most(1);
      expect(channel.streams.size).to.equal(0);
      expect(far.system.statistics).to.include({ actors: 3, openStreams: 0, pendingAsks: 0 });
      await world.stranger.transport.close();
    });
  }

  for (const [name, options, actors] of [
    ['a link that loses nothing', {}, 2_000],
    ['a link that may lose frames', { reorder: 0.000_001 }, limits.linkEndedWatches + 500],
  ] as const) {
    it(`by never confirming the end of what it watches is remembered within bounds, over ${name}`, async () => {
      const world = await setUp(options);
      const { far, channel, stranger } = world;
      const doomed = upTo(actors).map(() => far.system.spawn(errands()));
      await flood(
        world,
        (index) => word(world, { case: 'watch', value: { cUid: doomed[index]?.toRef().cUid ?? 0n } }),
        doomed.length,
      );
      await until('all to be watched', () => channel.watches.size === doomed.length);
      await Promise.all(doomed.map((ref) => far.system.stop(ref)));
      expect(channel.watches.size).to.equal(channel.isReliable ? 0 : limits.linkEndedWatches);
      await stranger.transport.close();
    });
  }

  it('with other numbers for a method that has one is closed after as many as a link survives', async () => {
    const world = await setUp();
    const { stranger, far } = world;
    await flood(
      world,
      (index) =>
        stranger.envelope(
          (header) => {
            toWorker(header, 3);
            header.method = (index % limits.linkMethods) + 1;
            header.methodName = push.fullName;
          },
          push,
          { value: 1 },
        ),
      limits.linkMethods + BATCH,
    );
    await until('the link to be closed', () => stranger.ended.length === 1);
    expect(stranger.ended[0]).to.have.property('kind', 'protocol');
    expect(far.router.protocolErrors).to.equal(limits.linkProtocolErrors);
    await stranger.transport.close();
  });

  it('with streams that it opens and cancels leaves none open', async () => {
    const world = await setUp();
    const { stranger, far, channel } = world;
    const open = (index: number): Uint8Array =>
      stranger.envelope(
        (header) => {
          toWorker(header, 4);
          header.mode = EnvelopeMode.open;
          header.method = 1;
          header.methodName = list.fullName;
          header.correlation = index + 1;
          header.credit = 1;
        },
        list,
        { value: 1_000 },
      );
    const cancel = (index: number): Uint8Array => word(world, { case: 'streamCancel', value: { stream: index + 1 } });
    await flood(world, (index) => Buffer.concat([open(index), cancel(index)]), 2 * ASK_EVERY);
    await until('no stream to be open', () => far.system.statistics.openStreams === 0 && channel.streams.size === 0);
    await stranger.transport.close();
  });

  function toWorker(header: EnvelopeHeader, low: number): void {
    header.hasTo = true;
    header.toLow = low;
  }
});
