import { expect } from 'chai';
import { MillraceError, ProtocolError, UnreachableError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { type AnyMethod, type EnvelopeHeader, EnvelopeMode, v1 } from '#src/protocol/index.js';
import { readAll } from '../../support/read-all.js';
import { until } from '../../support/until.js';
import { Listing, list, runListing as run } from './errands.js';
import { endWorlds, listing, PartitionWorld } from './partitions.js';
import { Stranger } from './stranger.js';

/** Id of the first stream that a router opens on a link. */
const FIRST = 1;

describe('streams of a peer that says what it likes', () => {
  afterEach(endWorlds);

  async function setUp(options: ConstructorParameters<typeof PartitionWorld>[0] = {}) {
    const world = new PartitionWorld(options);
    const far = await world.start('b/1');
    let made = 0;
    far.system.spawn(
      listing({
        list: async function* (_state, { value }) {
          for (let next = 0; next < value; next++) yield { value: made++ };
        },
      }),
      { cUid: 3n },
    );
    const transport = world.network.transport({ node: 'evil', process: '1' });
    const stranger = new Stranger(transport, await transport.connect(far.address, { timeoutMs: 1_000 }));
    const open = (id: number, fill: (header: EnvelopeHeader) => void = () => {}, value = 0, method: AnyMethod = list) =>
      stranger.send(
        stranger.envelope(
          (header) => {
            Object.assign(header, {
              mode: EnvelopeMode.open,
              hasTo: true,
              toLow: 3,
              method: 1,
              correlation: id,
              credit: 2,
              creditBytes: 1_000,
            });
            header.methodName = list.fullName;
            fill(header);
          },
          method,
          { value },
        ),
      );
    const credit = (value: v1.StreamCreditInit) =>
      stranger.send(stranger.word({ message: { case: 'streamCredit', value } }));
    const counted = (count: number) => until(`${count} to be counted`, () => far.router.protocolErrors === count);
    return { world, far, stranger, open, credit, counted, made: () => made, finish: () => transport.close() };
  }

  it('are refused with the reason when they cannot be opened, and counted where the peer should know better', async () => {
    const { far, stranger, open, counted, finish } = await setUp();
    open(0);
    await counted(1);
    open(1, (header) => Object.assign(header, { credit: 0 }));
    open(1, (header) => Object.assign(header, { creditBytes: 0 }));
    await counted(3);
    open(2, (header) => Object.assign(header, { method: 2, methodName: run.fullName }));
    open(3, (header) => Object.assign(header, { method: 3, methodName: 'test.Listing.Fly' }));
    open(4, (header) => Object.assign(header, { method: 9, methodName: '' }));
    open(5, () => {}, 0, { ...list, request: { ...v1.Watch, create: () => ({ cUid: 1n }) } } as AnyMethod);
    await counted(7);
    open(6, (header) => Object.assign(header, { toLow: 4 }));
    await until('all to be answered', () => stranger.ends.length === 5);
    expect(stranger.ends).to.deep.equal([
      [2, 0, 'PROTOCOL'],
      [3, 0, 'PROTOCOL'],
      [4, 0, 'PROTOCOL'],
      [5, 0, 'PROTOCOL'],
      [6, 0, 'STOPPED'],
    ]);
    expect(far.system.statistics.openStreams).to.equal(0);
    expect(stranger.link.isOpen).to.equal(true);
    await finish();
  });

  it('are opened once, and get no more than they have credit for', async () => {
    const { far, stranger, open, credit, counted, made, finish } = await setUp();
    open(7, () => {}, 5);
    open(7, () => {}, 5);
    await counted(1);
    await until('two to be made', () => made() === 2);
    credit({ stream: 7, credit: 1, received: 2 });
    credit({ stream: 8, credit: 100 });
    credit({ stream: 7, credit: 4, received: 3 });
    await counted(2);
    credit({ stream: 7, credit: 3, received: 2, chain: Array.from({ length: limits.linkCallChain + 1 }, () => 9n) });
    await counted(3);
    expect(made()).to.equal(2);
    credit({ stream: 7, credit: Number.MAX_SAFE_INTEGER, received: 2 });
    await until('the end', () => stranger.ends.length === 1);
    expect(stranger.ends).to.deep.equal([[7, 5, undefined]]);
    stranger.send(stranger.word({ message: { case: 'streamCancel', value: { stream: 7 } } }));
    stranger.send(stranger.word({ message: { case: 'streamClosed', value: { stream: 7, isReader: true } } }));
    expect(far.system.statistics.openStreams).to.equal(0);
    await finish();
  });

  it('are opened at the actor that they name, also behind a repeated opening of one', async () => {
    const { far, stranger, open, made, finish } = await setUp({ reorder: 1e-12 });
    far.system.spawn(listing({ list: async function* () {} }), { cUid: 5n });
    const known = (header: EnvelopeHeader) => Object.assign(header, { methodName: '' });
    open(7, () => {}, 1);
    await until('one to be made', () => made() === 1);
    open(8, (header) => Object.assign(known(header), { toLow: 5 }));
    open(7, known, 1);
    // Its receiver and its method are those of the envelope before it.
    open(9, known, 1);
    await until('all to end', () => new Set(stranger.ends.map(([stream]) => stream)).size === 3);
    for (const stream of [7, 8, 9]) {
      stranger.send(stranger.word({ message: { case: 'streamClosed', value: { stream, isReader: true } } }));
    }
    expect(made()).to.equal(2);
    await finish();
  });

  it('are not begun again by an opening that comes late, where frames overtake one another', async () => {
    const { far, stranger, open, made, finish, world } = await setUp({ reorder: 1e-12 });
    open(7, () => {}, 2);
    await until('two to be made', () => made() === 2);
    stranger.send(stranger.word({ message: { case: 'streamCancel', value: { stream: 7 } } }));
    await until('the answer', () => stranger.words.some((word) => word.case === 'streamClosed'));
    open(7, () => {}, 2);
    stranger.send(stranger.word({ message: { case: 'streamCancel', value: { stream: 8 } } }));
    open(8, () => {}, 2);
    await world.pass(20);
    expect(made()).to.equal(2);
    expect(far.system.statistics.openStreams).to.equal(0);
    expect(far.router.protocolErrors).to.equal(0);
    await finish();
  });

  it('come as the link takes them to a reader with all the credit there is', async () => {
    const { far, stranger, open, made, finish } = await setUp();
    open(
      7,
      (header) => Object.assign(header, { credit: Number.MAX_SAFE_INTEGER, creditBytes: Number.MAX_SAFE_INTEGER }),
      20_000,
    );
    await until('the end', () => stranger.ends.length === 1);
    expect(made()).to.equal(20_000);
    expect(far.system.statistics.openStreams).to.equal(0);
    await finish();
  });

  async function reading(says: (stranger: Stranger) => void, windowBytes?: number) {
    const { far, stranger, finish } = await setUp();
    stranger.send(stranger.word({ message: { case: 'hello', value: { version: 1, address: 'memory://evil/9' } } }));
    await until('the peer to be known', () =>
      [...far.router.channels()].some(({ name }) => name.address === 'memory://evil/9'),
    );
    const ref = far.system.referenceTo(Listing, far.router.routeTo('memory://evil/9', 5n));
    const read = readAll(ref.list({ value: 1 }, { windowItems: 3, windowBytes, timeoutMs: 1_000 }));
    says(stranger);
    const { values, error } = await read;
    const { protocolErrors } = far.router;
    expect(far.system.statistics.openStreams).to.equal(0);
    await finish();
    return { values, error, protocolErrors };
  }

  const element = (stranger: Stranger, sequence: number, id = FIRST, method: AnyMethod = list): void =>
    stranger.send(
      stranger.envelope(
        (header) => Object.assign(header, { mode: EnvelopeMode.element, correlation: id, sequence }),
        method,
        { value: sequence % 2 ** 32 },
      ),
    );
  const end = (stranger: Stranger, elements: number, error?: v1.StreamEndInit['error']): void =>
    stranger.send(stranger.word({ message: { case: 'streamEnd', value: { stream: FIRST, elements, error } } }));

  it('are read as far as they make sense', async () => {
    const good = await reading((stranger) => {
      for (const sequence of [0, 0, 1, 0, 1]) element(stranger, sequence);
      element(stranger, 0, 77);
      stranger.send(stranger.word({ message: { case: 'streamEnd', value: { stream: 77, elements: 1 } } }));
      stranger.send(stranger.word({ message: { case: 'streamClosed', value: { stream: FIRST } } }));
      end(stranger, 2);
    });
    expect(good).to.deep.equal({ values: [0, 1], error: undefined, protocolErrors: 0 });
  });

  it('fail with ProtocolError where an element is missing, and on a wrong count at the end', async () => {
    for (const says of [
      (stranger: Stranger) => element(stranger, 1),
      (stranger: Stranger) => end(stranger, 1),
      (stranger: Stranger) => (element(stranger, 0), end(stranger, 0)),
      (stranger: Stranger) => element(stranger, Number.MAX_SAFE_INTEGER),
    ]) {
      const { error, protocolErrors } = await reading(says);
      expect(error).to.be.instanceOf(ProtocolError);
      expect(protocolErrors).to.equal(1);
    }
  });

  it('fail with ProtocolError at an element without credit, or of another type', async () => {
    const { values, error } = await reading((stranger) => {
      for (let sequence = 0; sequence < 40; sequence++) element(stranger, sequence);
    });
    expect(values.length).to.be.below(4);
    expect(error).to.be.instanceOf(ProtocolError).with.property('message').that.contains('credit');
    const bytes = await reading((stranger) => {
      for (let sequence = 0; sequence < 3; sequence++) element(stranger, sequence);
    }, 2);
    expect(bytes.protocolErrors).to.be.at.least(1);
    expect(bytes.error).to.be.instanceOf(ProtocolError).with.property('message').that.contains('credit for its bytes');
    const other = { ...list, request: { ...v1.Watch, create: () => ({ cUid: 1n }) } } as AnyMethod;
    expect((await reading((stranger) => element(stranger, 0, FIRST, other))).error).to.be.instanceOf(ProtocolError);
  });

  it('fail with what the peer says, be it known or not', async () => {
    const unreachable = await reading((stranger) => end(stranger, 0, { code: 'UNREACHABLE', message: 'cut' }));
    expect(unreachable.error).to.be.instanceOf(UnreachableError);
    const unknown = await reading((stranger) => end(stranger, 0, { code: 'NEWER' }));
    expect(unknown.error).to.be.instanceOf(MillraceError);
  });
});
