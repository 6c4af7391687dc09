import { expect } from 'chai';
import { ProtocolError, UnreachableError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { type AnyMethod, type EnvelopeHeader, EnvelopeMode, requestStreamOf, v1 } from '#src/protocol/index.js';
import { readAll } from '../../support/read-all.js';
import { rejection } from '../../support/rejection.js';
import { numbersBelow, silentAfter } from '../../support/sources.js';
import { until } from '../../support/until.js';
import { chat, Depot, load, runDepot } from './errands.js';
import { depot, endWorlds, PartitionWorld } from './partitions.js';
import { Stranger } from './stranger.js';

const requests = requestStreamOf(load);
const METHODS: readonly AnyMethod[] = [load, chat, runDepot];

describe('streams of requests of a peer that says what it likes', () => {
  afterEach(endWorlds);

  async function setUp(options: ConstructorParameters<typeof PartitionWorld>[0] = {}) {
    const world = new PartitionWorld(options);
    const far = await world.start('b/1');
    const ends: unknown[] = [];
    far.system.spawn(
      depot({
        load: async (_state, given) => {
          const { values, error } = await readAll(given);
          ends.push(error ?? values);
          return { value: values.length };
        },
      }),
      { cUid: 3n },
    );
    const transport = world.network.transport({ node: 'evil', process: '1' });
    const stranger = new Stranger(transport, await transport.connect(far.address, { timeoutMs: 1_000 }));
    stranger.send(stranger.word({ message: { case: 'hello', value: { version: 1, address: 'memory://evil/9' } } }));
    await until('the peer to be known', () =>
      [...far.router.channels()].some(({ name }) => name.address === 'memory://evil/9'),
    );
    const say = (fill: (header: EnvelopeHeader) => void, method?: AnyMethod, value: unknown = {}): void =>
      stranger.send(stranger.envelope(fill, method, value));
    /** A call of the actor. */
    const call = (method: AnyMethod, fields: Partial<EnvelopeHeader>): void =>
      say((header) =>
        Object.assign(header, {
          mode: method.mode === 'stream' ? EnvelopeMode.open : EnvelopeMode.ask,
          hasTo: true,
          toLow: 3,
          method: 1 + METHODS.indexOf(method),
          methodName: method.fullName,
          correlation: 9,
          credit: method.mode === 'stream' ? 2 : 0,
          creditBytes: method.mode === 'stream' ? 1_000 : 0,
          remainingMicroseconds: 60_000_000,
          ...fields,
        }),
      );
    /** The peer opens the requests of a call from here. */
    const open = (id: number, requestStream: number, fields: Partial<EnvelopeHeader> = {}): void =>
      say((header) =>
        Object.assign(header, {
          mode: EnvelopeMode.open,
          correlation: id,
          credit: 2,
          creditBytes: 1_000,
          requestStream,
          ...fields,
        }),
      );
    const element = (sequence: number, id: number, method: AnyMethod = requests): void =>
      say((header) => Object.assign(header, { mode: EnvelopeMode.element, correlation: id, sequence }), method, {
        value: sequence % 2 ** 32,
      });
    const word = (message: v1.LinkMessageInit['message']): void => stranger.send(stranger.word({ message }));
    const counted = (count: number) => until(`${count} to be counted`, () => far.router.protocolErrors === count);
    const ref = far.system.referenceTo(Depot, far.router.routeTo('memory://evil/9', 5n));
    const heard = (mode: string, count: number) =>
      until(`${count} of ${mode}`, () => stranger.heard[1].filter((one) => one === mode).length === count);
    const finish = async (): Promise<void> => {
      expect(stranger.link.isOpen, 'the link').to.equal(true);
      await transport.close();
      await until('all to be closed', () => far.system.statistics.openStreams === 0);
    };
    return { world, far, stranger, call, open, element, word, counted, ends, ref, heard, finish, transport };
  }

  it('are refused where the call names none, or one that it has named before', async () => {
    const { far, stranger, call, counted, finish } = await setUp();
    call(load, { requestStream: 0 });
    call(chat, { requestStream: 0, correlation: 10 });
    await counted(2);
    call(load, { requestStream: 7, correlation: 11 });
    call(load, { requestStream: 7, correlation: 12 });
    call(load, { requestStream: 8, mode: EnvelopeMode.tell, correlation: 0 });
    await counted(4);
    await until('the refusals', () => stranger.answers.length >= 2 && stranger.ends.length === 1);
    expect(stranger.answers.map(({ error, correlation }) => [correlation, error?.code])).to.deep.equal([
      [9, 'PROTOCOL'],
      [12, 'PROTOCOL'],
    ]);
    expect(stranger.ends).to.deep.equal([[10, 0, 'PROTOCOL']]);
    call(runDepot, { requestStream: 9, correlation: 13 });
    await until('the answer', () => stranger.answers.length === 3);
    expect(far.router.protocolErrors).to.equal(4);
    await finish();
  });

  it('of a call that is not under way are refused, and those of one that is are opened once', async () => {
    const { stranger, open, counted, ref, heard, finish, far } = await setUp();
    open(1, 99);
    await until('the refusal', () => stranger.ends.length === 1);
    expect(stranger.ends).to.deep.equal([[1, 0, 'STOPPED']]);
    const source = silentAfter(10);
    const loaded = rejection(ref.load(source.numbers, { timeoutMs: 600_000 }));
    await heard('ask', 1);
    open(2, 1, { credit: 0 });
    open(3, 1, { creditBytes: 0 });
    open(0, 1);
    await counted(3);
    open(4, 1);
    await heard('element', 2);
    open(5, 1);
    open(4, 1);
    await counted(5);
    await until('the second refusal', () => stranger.ends.length === 2);
    expect(stranger.ends[1]).to.deep.equal([5, 0, 'PROTOCOL']);
    expect(source.asked).to.equal(2);
    expect(far.system.statistics.openStreams).to.equal(1);
    await finish();
    expect(await loaded).to.be.instanceOf(UnreachableError);
    expect(source.closed).to.equal(1);
  });

  it('get no more than they have credit for, whatever else the peer says of them', async () => {
    const { open, word, counted, ref, heard, finish, stranger } = await setUp();
    const source = silentAfter(100);
    const loaded = rejection(ref.load(source.numbers, { timeoutMs: 600_000 }));
    await heard('ask', 1);
    open(4, 1);
    await heard('element', 2);
    word({ case: 'streamCredit', value: { stream: 4, credit: 1, received: 3 } });
    await counted(1);
    word({ case: 'streamCredit', value: { stream: 5, credit: 50, creditBytes: 1_000 } });
    word({ case: 'streamEnd', value: { stream: 4, elements: 2 } });
    word({ case: 'streamClosed', value: { stream: 4, isReader: false } });
    word({ case: 'streamCredit', value: { stream: 4, credit: 3, received: 2, creditBytes: 1_000 } });
    await heard('element', 3);
    word({ case: 'streamCancel', value: { stream: 4 } });
    await until('the source to be told', () => source.closed === 1);
    word({ case: 'streamCancel', value: { stream: 4 } });
    word({ case: 'streamCredit', value: { stream: 4, credit: 90, received: 3, creditBytes: 9_000 } });
    expect(stranger.heard[1].filter((one) => one === 'element')).to.have.length(3);
    await finish();
    await loaded;
  });

  async function reading(says: (tools: Awaited<ReturnType<typeof setUp>>) => void) {
    const tools = await setUp();
    tools.call(load, { requestStream: 7 });
    await tools.heard('open', 1);
    says(tools);
    await until('the handler to be done', () => tools.ends.length === 1);
    const { protocolErrors } = tools.far.router;
    await tools.finish();
    return { end: tools.ends[0], protocolErrors };
  }

  it('are read as far as they make sense', async () => {
    const good = await reading(({ element, word }) => {
      for (const sequence of [0, 0, 1, 0, 1]) element(sequence, 1);
      element(0, 77);
      word({ case: 'streamEnd', value: { stream: 77, elements: 1 } });
      word({ case: 'streamEnd', value: { stream: 1, elements: 2 } });
      word({ case: 'streamEnd', value: { stream: 1, elements: 2 } });
      element(2, 1);
    });
    expect(good).to.deep.equal({ end: [0, 1], protocolErrors: 0 });
  });

  it('fail at the handler with ProtocolError where they make no sense', async () => {
    const other = { ...requests, request: { ...v1.Watch, create: () => ({ cUid: 1n }) } };
    for (const says of [
      ({ element }) => element(1, 1),
      ({ element }) => element(Number.MAX_SAFE_INTEGER, 1),
      ({ word }) => word({ case: 'streamEnd', value: { stream: 1, elements: 1 } }),
      ({ element }) => element(0, 1, other),
    ] satisfies readonly ((tools: Awaited<ReturnType<typeof setUp>>) => void)[]) {
      const { end, protocolErrors } = await reading(says);
      expect(end).to.be.instanceOf(ProtocolError);
      expect(protocolErrors).to.equal(1);
    }
    const { end } = await reading(({ element }) => {
      for (let sequence = 0; sequence < 2 * limits.rpcStreamItems; sequence++) element(sequence, 1);
    });
    expect(end).to.be.instanceOf(ProtocolError).with.property('message').that.contains('credit');
  });

  it('are handled once where frames are doubled', async () => {
    const { far, call, element, word, heard, ends, stranger, finish } = await setUp({ reorder: 1e-12 });
    call(load, { requestStream: 7 });
    call(load, { requestStream: 7 });
    await heard('open', 1);
    element(0, 1);
    word({ case: 'streamEnd', value: { stream: 1, elements: 1 } });
    await until('the reply', () => stranger.answers.length === 1);
    call(load, { requestStream: 7 });
    word({ case: 'clockPing', value: { sentMs: 1 } });
    await until('what came behind it', () => stranger.words.some((said) => said.case === 'clockPong'));
    expect(ends).to.deep.equal([[0]]);
    expect(far.router.protocolErrors).to.equal(0);
    await finish();
  });

  it('of an actor that went on meanwhile end with the link', async () => {
    const { ref, heard, open, transport } = await setUp();
    const source = silentAfter(1);
    const talk = readAll(ref.chat(source.numbers, { timeoutMs: 600_000 }));
    await heard('open', 1);
    open(4, 1);
    await heard('element', 1);
    await transport.close();
    expect((await talk).error).to.be.instanceOf(UnreachableError);
    await until('the source to be told', () => source.closed === 1);
    expect(await rejection(ref.load(numbersBelow(3)))).to.be.instanceOf(UnreachableError);
  });
});
