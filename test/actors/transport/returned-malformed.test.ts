import { expect } from 'chai';
import type { DeadLetter } from '#src/actors/kernel/index.js';
import { CUidAllocator } from '#src/ids/index.js';
import { encode, EnvelopeMode, v1 } from '#src/protocol/index.js';
import { until } from '../../support/until.js';
import { Errands, push } from './errands.js';
import { endWorlds, PartitionWorld } from './partitions.js';
import { Stranger } from './stranger.js';

const ORDINAL = 77;
const { STOPPED, UNKNOWN_METHOD } = v1.Undelivered_Reason;

/** A partition, and a peer that writes what it likes; `ref` leads to an actor that the peer claims to have. */
async function setUp() {
  const world = new PartitionWorld();
  const near = await world.start('a/1');
  const transport = world.network.transport({ node: 'evil', process: '1' });
  const stranger = new Stranger(transport, await transport.connect(near.address, { timeoutMs: 1_000 }));
  const say = (message: v1.LinkMessageInit): void => stranger.send(stranger.word(message));
  const hello = { version: 1, address: 'memory://evil/1/9', ordinal: ORDINAL, incarnation: 5n };
  say({ message: { case: 'hello', value: hello } });
  await until('the hello to be read', () => [...near.router.channels()].some(({ peer }) => peer?.ordinal === ORDINAL));
  const cUid = new CUidAllocator(ORDINAL).next();
  const ref = near.system.reference(Errands, { cUid, incarnation: 5n });
  const letters: DeadLetter[] = [];
  near.system.deadLetters.subscribe((letter) => letters.push(letter));
  const giveBack = async (value: v1.UndeliveredInit): Promise<void> => {
    say({ message: { case: 'undelivered', value: { cUid, method: push.fullName, reason: STOPPED, ...value } } });
    await world.pass(5);
  };
  const encoded = (value: number): Uint8Array => encode(push.request, push.request.create({ value }));
  return { world, near, stranger, cUid, ref, letters, giveBack, encoded, finish: () => transport.close() };
}

describe('a peer that returns what it likes', () => {
  afterEach(endWorlds);

  it('is counted as malformed when it returns what was not sent to it, and nothing is a dead letter', async () => {
    const { near, ref, letters, giveBack, encoded, finish, stranger } = await setUp();
    await giveBack({ tells: 1 });
    ref.push({ value: 1 });
    ref.push({ value: 2 });
    await giveBack({ tells: 3 });
    await giveBack({ tells: 2 ** 32 - 1 });
    await giveBack({ tells: 1, method: 'test.Errands.Urge' });
    await giveBack({ tells: 1, method: 'test.Errands.Fly'.repeat(1_000) });
    await giveBack({ tells: 1, messages: [encoded(1), encoded(2)] });
    await giveBack({ tells: 1, messages: [new Uint8Array([8])] });
    expect(near.router.protocolErrors).to.equal(7);
    expect(letters).to.deep.equal([]);
    expect(ref.push({ value: 3 }), 'the actor has not ended').to.equal(true);
    await giveBack({ tells: 3, messages: [encoded(1)] });
    expect(letters.map(({ message, reason }) => [message, reason])).to.deep.equal([
      [push.request.create({ value: 1 }), 'stopped'],
      [undefined, 'stopped'],
      [undefined, 'stopped'],
    ]);
    await giveBack({ tells: 1 });
    expect(near.router.protocolErrors).to.equal(8);
    expect(stranger.link.isOpen).to.equal(true);
    await finish();
  });

  it('names its own actors only', async () => {
    const { near, ref, letters, giveBack, finish } = await setUp();
    const foreign = new CUidAllocator(ORDINAL + 1).next();
    ref.push({ value: 1 });
    ref.push({ value: 2 });
    await giveBack({ tells: 1, cUid: foreign, path: 'evil/of-another' });
    await giveBack({ tells: 1, path: 'evil/of-its-own' });
    expect(near.system.pathOf(foreign)).to.equal(undefined);
    expect(letters[0]?.path).not.to.include('evil/of-another');
    expect(letters[1]?.path).to.equal('evil/of-its-own');
    await finish();
  });

  it('may say that the actor has no handler for the method: the actor has not ended then', async () => {
    const { near, ref, letters, giveBack, encoded, finish } = await setUp();
    ref.push({ value: 1 });
    await giveBack({ tells: 1, messages: [encoded(1)], reason: UNKNOWN_METHOD });
    expect(letters.map(({ reason }) => reason)).to.deep.equal(['unknown method']);
    expect(ref.push({ value: 2 })).to.equal(true);
    expect(near.router.protocolErrors).to.equal(0);
    await finish();
  });

  it('and is sent what it sends to actors that do not exist costs a report for each of them in a turn, not for each tell', async () => {
    const { world, near, stranger, letters, finish } = await setUp();
    const tell = (actor: number): Uint8Array =>
      stranger.envelope(
        (header) => {
          Object.assign(header, { hasTo: true, toLow: actor, method: 1, mode: EnvelopeMode.tell });
          header.methodName = push.fullName;
        },
        push,
        { value: actor },
      );
    const [actors, tells] = [50, 20];
    for (let count = 0; count < tells; count++) {
      for (let actor = 1; actor <= actors; actor++) stranger.send(tell(1_000 + actor));
    }
    await world.pass(10);
    const reports = stranger.words.flatMap((word) => (word.case === 'undelivered' ? [word.value] : []));
    expect(reports.reduce((sum, report) => sum + report.tells, 0)).to.equal(actors * tells);
    expect(reports.reduce((sum, report) => sum + report.messages.length, 0)).to.equal(actors * tells);
    expect(reports.length).to.be.within(actors, 3 * actors);
    expect(letters).to.deep.equal([]);
    expect(near.system.deadLetters.count).to.equal(0);
    await finish();
  });
});
