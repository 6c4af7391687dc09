import { expect } from 'chai';
import { ProtocolError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { type AnyMethod, encode, type EnvelopeHeader, EnvelopeMode, v1 } from '#src/protocol/index.js';
import { readAll } from '../../support/read-all.js';
import { millraceRejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { type Errand, Errands, list, Listing, push, run } from './errands.js';
import { FieldMemory, full } from './field-memory.js';
import { endWorlds, errands, PartitionWorld } from './partitions.js';
import { Stranger } from './stranger.js';

const ADDRESS = 'memory://evil/9';
const LARGE = limits.inlineFieldBytes + 1;
/** Of the length of the load in a message that has nothing else. */
const LOAD_AT = 3;

/** A message that no reader of an Errand accepts. */
const garbled: AnyMethod = {
  ...run,
  request: { ...run.request, write: (_errand, writer) => void writer.tag(10).string('no number') },
};

const garbledTell: AnyMethod = { ...garbled, fullName: push.fullName, mode: 'tell' };

const partsOf = (fields: Partial<v1.DetachedFieldsInit>): Uint8Array =>
  encode(v1.DetachedFields, v1.DetachedFields.create(fields));

describe('large fields of a peer that says what it likes', () => {
  afterEach(endWorlds);

  async function setUp({ ordinal = 9, takes = true }: { ordinal?: number | undefined; takes?: boolean } = {}) {
    const memory = new FieldMemory();
    const world = new PartitionWorld();
    const far = await world.start('b/1', takes ? { fields: memory } : {});
    const handled: Errand[] = [];
    const keep = (_state: unknown, errand: Errand): Errand => {
      handled.push(errand);
      return errand;
    };
    far.system.spawn(errands({ push: (state, errand) => void keep(state, errand), run: keep }), { cUid: 3n });
    const transport = world.network.transport({ node: 'evil', process: '1' });
    const stranger = new Stranger(transport, await transport.connect(far.address, { timeoutMs: 1_000 }));
    const hello = { version: 1, address: ADDRESS, incarnation: 1n, takesDetachedFields: true };
    const value = ordinal === 0 ? hello : { ...hello, ordinal };
    stranger.send(stranger.word({ message: { case: 'hello', value } }));
    await until('the peer to be known', () => [...far.router.channels()].some(({ name }) => name.address === ADDRESS));
    /** What a peer is sent of a field that is there. */
    const described = (bytes = full(LARGE, 7)): v1.RemoteDescriptor => {
      const stored = memory.storeNow([bytes]);
      if (stored === undefined) throw new RangeError('The memory is full.');
      const description = stored.describe({ ordinal: 9, incarnation: 1n }, 'a test', () => {});
      stored[Symbol.dispose]();
      return description;
    };
    const call = (method: AnyMethod, detached: Uint8Array, correlation = 0): void =>
      stranger.send(
        stranger.envelope(
          (header: EnvelopeHeader) =>
            Object.assign(header, {
              mode: correlation === 0 ? EnvelopeMode.tell : EnvelopeMode.ask,
              hasTo: true,
              toLow: 3,
              method: method.mode === 'ask' ? 1 : 2,
              methodName: method.fullName,
              correlation,
              remainingMicroseconds: 60_000_000,
              detached,
            }),
          method,
        ),
      );
    const finish = async (): Promise<void> => {
      expect(stranger.link.isOpen, 'the link').to.equal(true);
      expect(memory.held, 'fields that are held').to.equal(0);
      await transport.close();
    };
    return { world, memory, far, handled, stranger, described, call, finish };
  }

  /** What is forged, of a field that is there where it names one. */
  const forgeries: readonly (readonly [name: string, forged: (described: () => v1.RemoteDescriptor) => Uint8Array])[] =
    [
      ['bytes that are no description', () => Uint8Array.of(0x12, 0xff)],
      ['nothing', () => new Uint8Array(0)],
      ['positions without fields', () => partsOf({ positions: [LOAD_AT] })],
      [
        'fewer fields than positions',
        (described) => partsOf({ positions: [LOAD_AT, LOAD_AT + 2], value: described() }),
      ],
      ['more fields than positions', (described) => partsOf({ positions: [], value: described() })],
    ];
  for (const [name, forged] of forgeries) {
    it(`are refused where ${name} came beside the message: the ask is answered, the tell returned, nothing held`, async () => {
      const { far, handled, stranger, described, call, finish } = await setUp();
      call(run, forged(described), 5);
      call(push, forged(described));
      await until('both to be counted', () => far.router.protocolErrors === 2);
      await until('the answer', () => stranger.answers.length === 1);
      expect(stranger.answers[0]).to.deep.include({ correlation: 5 });
      expect(stranger.answers[0]?.error?.code).to.equal('PROTOCOL');
      await until('the report', () => stranger.words.some((word) => word.case === 'undelivered'));
      expect(handled).to.deep.equal([]);
      await finish();
    });
  }

  it('that are gone are the error of the ask, and the link goes on', async () => {
    const { stranger, handled, call, finish } = await setUp();
    const gone = v1.RemoteDescriptor.create({
      object: { number: 77 },
      parts: [{ place: { case: 'fetched', value: 9 } }],
    });
    call(run, partsOf({ positions: [LOAD_AT], value: gone }), 5);
    await until('the answer', () => stranger.answers.length === 1);
    expect(stranger.answers[0]?.error?.code).to.equal('UNREACHABLE');
    expect(handled).to.deep.equal([]);
    await finish();
  });

  it('are refused of a peer that has not said who it is, and where none were asked for', async () => {
    for (const options of [{ ordinal: 0 }, { takes: false }]) {
      const { far, stranger, call, finish } = await setUp(options);
      const value = v1.RemoteDescriptor.create({ object: { number: 1 }, parts: [] });
      call(run, partsOf({ positions: [], value }), 5);
      await until('the answer', () => stranger.answers.length === 1);
      expect(stranger.answers[0]?.error?.code).to.equal('PROTOCOL');
      expect(far.router.protocolErrors).to.equal(1);
      await finish();
    }
  });

  it('of a message that cannot be read are given back; its ask is answered, and its tell is a dead letter', async () => {
    const { far, handled, stranger, described, call, finish } = await setUp();
    call(garbled, partsOf({ positions: [LOAD_AT], value: described() }), 5);
    call(garbledTell, partsOf({ positions: [1], value: described() }));
    await until('the answer', () => stranger.answers.length === 1);
    expect(stranger.answers[0]?.error?.code).to.equal('PROTOCOL');
    await until('the report', () => stranger.words.some((word) => word.case === 'undelivered'));
    expect(handled).to.deep.equal([]);
    expect(far.system.statistics.restarts).to.equal(0);
    await finish();
  });

  it('at positions of no field are ignored, as unknown fields are', async () => {
    const { handled, described, call, finish } = await setUp();
    call(push, partsOf({ positions: [4_000_000_000], value: described() }));
    call(push, partsOf({ positions: [LOAD_AT], value: described() }));
    await until('both tells', () => handled.length === 2);
    expect(handled.map(({ load }) => load.length)).to.deep.equal([0, LARGE]);
    await finish();
  });

  it('follow a tell that begins with the same bytes, and are not taken for its repetition', async () => {
    const { handled, stranger, described, call, finish } = await setUp();
    const plain = stranger.envelope((header) => Object.assign(header, { hasTo: true, toLow: 3, method: 2 }), push);
    call(push, partsOf({ positions: [LOAD_AT], value: described() }));
    const detached = partsOf({ positions: [LOAD_AT], value: described() });
    const large = stranger.envelope(
      (header) => Object.assign(header, { hasTo: true, toLow: 3, method: 2, detached }),
      push,
    );
    stranger.send(Buffer.concat([plain, plain, large, plain]));
    await until('all tells', () => handled.length === 5);
    expect(handled.map(({ load }) => load.length)).to.deep.equal([LARGE, 0, 0, LARGE, 0]);
    await finish();
  });

  it('fail the ask whose reply they came beside, and the stream whose element', async () => {
    const { far, stranger, finish } = await setUp();
    const peer = far.system.referenceTo(Errands, far.router.routeTo(ADDRESS, 5n));
    const asked = millraceRejection(peer.run({}, { timeoutMs: 60_000 }));
    await until('the ask', () => stranger.heard[1].includes('ask'));
    const detached = partsOf({ positions: [LOAD_AT] });
    const forged = (mode: EnvelopeMode): Uint8Array =>
      stranger.envelope((header) => Object.assign(header, { mode, correlation: 1, detached }), list);
    stranger.send(forged(EnvelopeMode.reply));
    expect(await asked).to.be.instanceOf(ProtocolError);
    const lister = far.system.referenceTo(Listing, far.router.routeTo(ADDRESS, 6n));
    const reading = readAll(lister.list({}, { timeoutMs: 60_000 }));
    await until('the stream', () => stranger.heard[1].includes('open'));
    stranger.send(forged(EnvelopeMode.element));
    expect((await reading).error).to.be.instanceOf(ProtocolError);
    expect(far.router.protocolErrors).to.equal(2);
    await finish();
  });

  it('are given back where a call opens what is no stream, and where an element comes twice', async () => {
    const { far, stranger, described, finish } = await setUp();
    const opened = { mode: EnvelopeMode.open, hasTo: true, toLow: 3, method: 1, methodName: run.fullName };
    const credit = { correlation: 8, credit: 2, creditBytes: 1_000 };
    const fields = (): Uint8Array => partsOf({ positions: [LOAD_AT], value: described() });
    stranger.send(
      stranger.envelope((header) => Object.assign(header, { ...opened, ...credit, detached: fields() }), run),
    );
    await until('the refusal', () => stranger.ends.length === 1);
    expect(stranger.ends).to.deep.equal([[8, 0, 'PROTOCOL']]);
    const lister = far.system.referenceTo(Listing, far.router.routeTo(ADDRESS, 6n));
    const reading = lister.list({}, { timeoutMs: 60_000 });
    const first = reading.next();
    await until('the stream', () => stranger.heard[1].includes('open'));
    const element = (): Uint8Array =>
      stranger.envelope(
        (header) =>
          Object.assign(header, { mode: EnvelopeMode.element, correlation: 1, sequence: 0, detached: fields() }),
        list,
      );
    stranger.send(Buffer.concat([element(), element()]));
    expect((await first).value?.load).to.have.length(LARGE);
    await reading.return?.();
    await finish();
  });
});
