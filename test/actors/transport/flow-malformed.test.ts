import { expect } from 'chai';
import { BackpressureError, StoppedError } from '#src/errors.js';
import { CUidAllocator } from '#src/ids/index.js';
import { limits } from '#src/limits.js';
import { EnvelopeMode, v1 } from '#src/protocol/index.js';
import { gate } from '../../support/deferred.js';
import { millraceRejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { Errands, push } from './errands.js';
import { endWorlds, errands, PartitionWorld, type WorldOptions } from './partitions.js';
import { Stranger } from './stranger.js';

const { METERED, CLEAR, STOPPED } = v1.Pressure_Level;
const ACTOR = 3n;
const ORDINAL = 77;

/** A partition with an actor that is held until `open`, and a peer that writes what it likes. */
async function setUp(options: WorldOptions = {}) {
  const world = new PartitionWorld(options);
  const far = await world.start('b/1');
  const { passed, open } = gate();
  let handled = 0;
  const held = errands({
    mailbox: { capacity: 8 },
    push: () => {
      handled += 1;
      return passed;
    },
  });
  far.system.spawn(held, { cUid: ACTOR });
  const transport = world.network.transport({ node: 'evil', process: '1' });
  const stranger = new Stranger(transport, await transport.connect(far.address, { timeoutMs: 1_000 }));
  const say = (message: v1.LinkMessageInit): void => stranger.send(stranger.word(message));
  const tell = (load: Uint8Array): Uint8Array =>
    stranger.envelope(
      (header) => {
        header.hasTo = true;
        header.toLow = Number(ACTOR);
        header.method = 1;
        header.methodName = push.fullName;
        header.mode = EnvelopeMode.tell;
      },
      push,
      { load },
    );
  const heard = (): readonly v1.Pressure[] =>
    stranger.words.flatMap((word) => (word.case === 'pressure' ? [word.value] : []));
  const wanted = (): readonly v1.MailboxWant[] =>
    stranger.words.flatMap((word) => (word.case === 'mailboxWant' ? [word.value] : []));
  const finish = (): Promise<void> => transport.close();
  return { world, far, stranger, say, tell, heard, wanted, open, finish, handled: () => handled };
}

describe('a sender that does not keep to what it was granted', () => {
  afterEach(endWorlds);

  it('loses its link at linkParkedBytes; what was parked until then is handled', async () => {
    const maxMessageBytes = 64 * 1024;
    const { far, stranger, tell, heard, open, finish, handled } = await setUp({ linkLimits: { maxMessageBytes } });
    const bytes = tell(new Uint8Array(4_000));
    const frame = Buffer.concat(Array.from({ length: 15 }, () => bytes));
    let sent = 0;
    let most = 0;
    while (stranger.link.isOpen && sent < 20_000) {
      stranger.send(frame);
      sent += 15;
      const { bytesSent } = stranger.link;
      await until('the frame to be read', () => stranger.link.bytesSent >= bytesSent);
      await new Promise((resolve) => setImmediate(resolve));
      most = Math.max(most, far.system.statistics.mailboxBytes);
    }
    await until('the link to be closed', () => stranger.ended.length === 1);
    expect(stranger.ended[0]).to.deep.include({ kind: 'protocol' });
    expect(JSON.stringify(stranger.ended[0])).to.contain('linkParkedBytes');
    expect(heard()[0]).to.deep.include({ cUid: ACTOR, level: METERED, granted: 0 });
    const bound = limits.linkParkedBytes + 2 * maxMessageBytes;
    expect(most).to.be.within(bound - frame.length, bound + 2 * frame.length);
    open();
    await until('all to be handled', () => far.system.statistics.mailboxBytes === 0);
    expect(handled() * bytes.length).to.be.within(bound, bound + frame.length * 3);
    expect(far.system.deadLetters.count).to.equal(0);
    await finish();
  });

  it('loses its link when it fills the mailboxes of a partition past mailboxBytes', async () => {
    const maxMessageBytes = 64 * 1024;
    const { far, stranger, tell, heard, open, finish } = await setUp({
      linkLimits: { maxMessageBytes },
      kernelLimits: { mailboxBytes: 100_000 },
    });
    const frame = Buffer.concat(Array.from({ length: 15 }, () => tell(new Uint8Array(4_000))));
    for (let frames = 0; frames < 1_000 && stranger.link.isOpen; frames += 1) {
      stranger.send(frame);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until('the link to be closed', () => stranger.ended.length === 1);
    expect(heard()).to.deep.include({ cUid: 0n, level: METERED, granted: 0 });
    open();
    await until('all to be handled', () => far.system.statistics.mailboxBytes === 0);
    await finish();
  });

  it('is answered once for each want: of an actor that is not metered, and of one that does not exist', async () => {
    const { world, stranger, say, heard, open, finish } = await setUp();
    for (let count = 0; count < 500; count += 1)
      say({ message: { case: 'mailboxWant', value: { cUid: ACTOR, sent: 5 } } });
    say({ message: { case: 'mailboxWant', value: { cUid: 99n, sent: 5 } } });
    say({ message: { case: 'mailboxWant', value: { cUid: 0n, sent: 5 } } });
    await world.pass(10);
    expect(heard().filter(({ cUid }) => cUid === ACTOR)).to.deep.equal(
      Array.from({ length: 500 }, () => ({ cUid: ACTOR, level: CLEAR, granted: 0 })),
    );
    expect(heard().slice(500)).to.deep.equal([
      { cUid: 99n, level: STOPPED, granted: 0 },
      { cUid: 0n, level: CLEAR, granted: 0 },
    ]);
    expect(stranger.link.isOpen).to.equal(true);
    open();
    await finish();
  });

  it('gets no more than one answer for many wants of a full mailbox, and a count that is absurd is malformed', async () => {
    const { world, far, stranger, say, tell, heard, open, finish } = await setUp();
    for (let count = 0; count < 12; count += 1) stranger.send(tell(new Uint8Array(10)));
    await world.pass(10);
    for (const sent of [12, 12, 5, 12]) say({ message: { case: 'mailboxWant', value: { cUid: ACTOR, sent } } });
    say({ message: { case: 'mailboxWant', value: { cUid: ACTOR, sent: Number.MAX_SAFE_INTEGER } } });
    await world.pass(10);
    expect(heard()).to.deep.equal([{ cUid: ACTOR, level: METERED, granted: 0 }]);
    expect(far.router.protocolErrors).to.equal(1);
    open();
    await world.pass(10);
    expect(heard()).to.have.length(2);
    await finish();
  });
});

describe('a receiver that grants what it likes', () => {
  afterEach(endWorlds);

  async function sender() {
    const made = await setUp();
    const { far, stranger, say } = made;
    say({
      message: {
        case: 'hello',
        value: { version: 1, address: 'memory://evil/1/9', ordinal: ORDINAL, incarnation: 5n },
      },
    });
    await until('the hello to be read', () => [...far.router.channels()].some(({ peer }) => peer?.ordinal === ORDINAL));
    const cUid = new CUidAllocator(ORDINAL).next();
    const ref = far.system.reference(Errands, { cUid, incarnation: 5n });
    const flood = (): number => {
      let accepted = 0;
      try {
        for (; accepted < 100_000; accepted += 1) ref.push({});
      } catch (error) {
        expect(error).to.be.instanceOf(BackpressureError);
      }
      return accepted;
    };
    const report = async (level: v1.Pressure_Level, granted = 0): Promise<void> => {
      say({ message: { case: 'pressure', value: { cUid, level, granted } } });
      await made.world.pass(5);
    };
    expect(stranger.link.isOpen).to.equal(true);
    return { ...made, ref, cUid, flood, report };
  }

  it('is kept to: false first, then BackpressureError, and one want; a grant that goes back changes nothing', async () => {
    const { world, ref, cUid, flood, report, wanted, open, finish } = await sender();
    expect(ref.push({})).to.equal(true);
    await report(METERED);
    expect(ref.push({}), 'a courtesy').to.equal(false);
    expect(flood() * 10).to.be.lessThan(limits.linkCourtesyBytes);
    expect(flood()).to.equal(0);
    await world.pass(5);
    expect(wanted()).to.have.length(1);
    const { sent } = wanted()[0] ?? { sent: 0 };
    await report(METERED, sent + 2);
    await report(METERED, sent + 1);
    await report(METERED);
    expect([ref.push({}), ref.push({}), ref.push({})]).to.deep.equal([true, false, false]);
    const ready = ref.ready();
    await world.pass(5);
    expect(wanted().map((want) => want.cUid)).to.deep.equal([cUid, cUid]);
    await report(CLEAR);
    await ready;
    for (let count = 0; count < 1_000; count += 1) expect(ref.push({})).to.equal(true);
    open();
    await finish();
  });

  it('counts start above earlier grants, so that a late one of those grants nothing', async () => {
    const { world, flood, report, wanted, open, finish } = await sender();
    await report(METERED);
    flood();
    await world.pass(5);
    const { sent } = wanted()[0] ?? { sent: 0 };
    await report(METERED, sent + 100_000);
    await report(CLEAR);
    await report(METERED, sent + 100_000);
    expect(flood() * 10).to.be.lessThan(limits.linkCourtesyBytes);
    open();
    await finish();
  });

  it('may say that the actor has stopped: ready() rejects', async () => {
    const { ref, flood, report, open, finish } = await sender();
    await report(METERED);
    flood();
    const waiting = millraceRejection(ref.ready());
    await report(STOPPED);
    expect(await waiting).to.be.instanceOf(StoppedError);
    open();
    await finish();
  });

  it('with a level that does not exist is counted as malformed', async () => {
    const { far, world, cUid, stranger, open, finish } = await sender();
    const word = stranger.word({ message: { case: 'pressure', value: { cUid, level: STOPPED } } });
    word[word.lastIndexOf(STOPPED)] = 9;
    stranger.send(word);
    await world.pass(5);
    expect(far.router.protocolErrors).to.equal(1);
    open();
    await finish();
  });
});
