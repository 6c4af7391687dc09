import { expect } from 'chai';
import { ActorSystem } from '#src/actors/kernel/index.js';
import { Kinship, newProcessKey, Router } from '#src/actors/transport/index.js';
import { EnvelopeMode, EnvelopeView, Lane, type v1 } from '#src/protocol/index.js';
import { Deferred } from '#src/deferred.js';
import { UnprovenEnvelopes } from '#src/actors/transport/unproven-envelopes.js';
import { CUidAllocator } from '#src/ids/index.js';
import { silentLogger } from '#src/logging/index.js';
import { RealScheduler } from '#src/scheduler/index.js';
import { NetTransport } from '#src/transport/net/index.js';
import { millraceRejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { Errands } from './errands.js';
import { errands } from './partitions.js';
import { Stranger } from './stranger.js';

const INCARNATION = 77n;
const TOKEN = 1234n;
const ended: (() => Promise<void>)[] = [];

function netTransport(): NetTransport {
  return new NetTransport({ scheduler: new RealScheduler(), listen: 'tcp://127.0.0.1:0', keyless: 'loopback' });
}

/** A partition with real sockets, which says that it is one of the process `INCARNATION`, and may have a key for that. */
async function partition(ordinal: number, key?: Uint8Array, kinship = key && new Kinship(() => key)) {
  const scheduler = new RealScheduler();
  const cUids = new CUidAllocator(ordinal);
  const name = `partition-${ordinal}`;
  const system = new ActorSystem({
    name,
    scheduler,
    logger: silentLogger,
    cUids: () => cUids.next(),
    incarnation: INCARNATION,
  });
  const router = new Router({ system, scheduler, transport: netTransport(), log: silentLogger, kinship });
  const address = await router.listen();
  router.join(ordinal, async () => undefined);
  ended.push(async () => {
    await system.shutdown();
    await router.close();
  });
  const kin = (): boolean[] => [...router.channels()].map(({ kinship }) => kinship.isProven);
  const pushed: number[] = [];
  const worker = system
    .spawn(errands({ push: (_state, { value }) => void pushed.push(value), urge: () => {} }))
    .toRef();
  return { system, router, address, kin, worker, pushed };
}

type Partition = Awaited<ReturnType<typeof partition>>;

function refTo(from: Partition, to: Partition, address = to.address) {
  return from.system.referenceTo(Errands, from.router.routeTo(address, to.worker.cUid));
}

/** The hello of a peer that says that it is of the process `INCARNATION`. */
function hello(address: string, kinship: Uint8Array = new Uint8Array()): v1.LinkMessageInit {
  const value = { version: 1, address, ordinal: 9, incarnation: INCARNATION, token: TOKEN, kinship };
  return { message: { case: 'hello', value } };
}

/** Opens a link, and says what it likes on it. */
async function caller(to: Partition): Promise<Stranger> {
  const transport = netTransport();
  ended.push(() => transport.close());
  return new Stranger(transport, await transport.connect(to.address, { timeoutMs: 5_000 }));
}

/** Takes one link, and says what it likes on it. */
async function listener(): Promise<{ address: string; link: Promise<Stranger> }> {
  const transport = netTransport();
  ended.push(() => transport.close());
  const taken = new Deferred<Stranger>();
  const address = await transport.listen((link) => taken.resolve(new Stranger(transport, link)));
  return { address, link: taken.promise };
}

/** The hellos that it was sent: of a partition that has a key, the last ones have its proof. */
function hellosTo(stranger: Stranger): v1.Hello[] {
  return stranger.words.flatMap((word) => (word.case === 'hello' ? [word.value] : []));
}

async function proofTo(stranger: Stranger): Promise<v1.Hello> {
  const found = (): v1.Hello | undefined => hellosTo(stranger).find(({ kinship }) => kinship.length > 0);
  await until('its proof', () => found() !== undefined);
  return found() as v1.Hello;
}

function refusal(stranger: Stranger): string {
  return stranger.ended.map((reason) => ('message' in reason ? reason.message : reason.kind)).join();
}

describe('what waits for a proof', () => {
  it('is bounded', () => {
    const refused: string[] = [];
    const waiting = new UnprovenEnvelopes(10, { violated: (text) => void refused.push(text) });
    const view = Object.assign(new EnvelopeView(), { start: 0, end: 6 });
    waiting.add(Lane.data, new Uint8Array(6), view);
    expect(refused).to.deep.equal([]);
    waiting.add(Lane.control, new Uint8Array(6), view);
    expect(refused.join()).to.include('has sent 12 bytes');
  });
});

describe('two partitions that say that they are of one process, over sockets', () => {
  afterEach(async () => {
    for (const end of ended.splice(0)) await end();
  });

  it('know one another by the key of the process, at both ends of each link, also of one after a cut', async () => {
    const key = newProcessKey();
    const [first, beside] = [await partition(1, key), await partition(2, key)];
    const ref = refTo(beside, first);
    for (let link = 0; link < 2; link++) {
      expect(await ref.run({ value: link })).to.include({ value: link });
      expect(first.kin()).to.deep.equal([true]);
      expect(beside.kin()).to.deep.equal([true]);
      first.router.disconnect(beside.address);
      await until('the link to have ended', () => beside.kin().length === 0 && first.kin().length === 0);
    }
  });

  it('have no link where one of them does not have the key, and says so', async () => {
    const [first, forger] = [await partition(1, newProcessKey()), await partition(2, newProcessKey())];
    const error = await millraceRejection(refTo(forger, first).run({ value: 1 }, { timeoutMs: 5_000 }));
    expect(error.message).to.include('cannot prove that');
    expect(first.kin()).to.deep.equal([]);
  });

  it('know one another by every spelling of an address, and so does one that dials itself', async () => {
    const key = newProcessKey();
    const [first, beside] = [await partition(1, key), await partition(2, key)];
    const port = /:\d+/.exec(first.address.slice('tcp:'.length))?.[0] ?? '';
    for (const address of [`tcp://localhost${port}`, `tcp://127.0.0.1${port}`]) {
      expect(address).to.not.equal(first.address);
      for (const from of [beside, first]) {
        expect(await refTo(from, first, address).run({ value: 1 })).to.include({ value: 1 });
      }
    }
    expect(await refTo(first, first).run({ value: 1 })).to.include({ value: 1 });
    expect(new Set([...first.kin(), ...beside.kin()])).to.deep.equal(new Set([true]));
  });

  it('are nobody for one another without a key', async () => {
    const [first, beside] = [await partition(1), await partition(2)];
    expect(await refTo(beside, first).run({ value: 1 })).to.include({ value: 1 });
    expect([first.kin(), beside.kin()]).to.deep.equal([[false], [false]]);
  });
});

describe('a peer that says that it is a partition of this process, over sockets', () => {
  afterEach(async () => {
    for (const end of ended.splice(0)) await end();
  });

  it('is refused with a proof that was given over another link', async () => {
    const first = await partition(1, newProcessKey());
    const taker = await listener();
    const run = millraceRejection(refTo(first, first, taker.address).run({ value: 1 }, { timeoutMs: 5_000 }));
    const heard = await taker.link;
    heard.send(heard.word(hello(taker.address)));
    const { kinship, token } = await proofTo(heard);
    const replay = await caller(first);
    const [{ message }] = [hello(taker.address, kinship)];
    if (message?.case !== 'hello') throw new TypeError('It is a hello.');
    replay.send(replay.word({ message: { ...message, value: { ...message.value, token } } }));
    await until('its link to have ended', () => replay.ended.length > 0);
    expect(refusal(replay)).to.include('cannot prove that');
    expect(first.kin().includes(true)).to.equal(false);
    heard.link.close();
    await run;
  });

  it('is not believed with the proof of the other end, nor with a wrong one, where it was dialed', async () => {
    const first = await partition(1, newProcessKey());
    for (const isMirror of [true, false]) {
      const { address, link } = await listener();
      const run = millraceRejection(refTo(first, first, address).run({ value: 1 }, { timeoutMs: 5_000 }));
      const liar = await link;
      liar.send(liar.word(hello(address)));
      const { kinship } = await proofTo(liar);
      liar.send(liar.word(hello(address, isMirror ? kinship : new Uint8Array(kinship.length))));
      expect((await run).message).to.include('cannot prove that');
      expect(first.kin()).to.deep.equal([]);
    }
  });

  it('is nobody before it has proven that, and what it has sent is taken then, in order', async () => {
    const key = newProcessKey();
    const first = await partition(1, key);
    const peer = await caller(first);
    const push = (value: number): Uint8Array =>
      peer.envelope(
        (header) => {
          header.mode = EnvelopeMode.tell;
          header.hasTo = true;
          header.toLow = Number(BigInt.asUintN(32, first.worker.cUid));
          header.toHigh = Number(first.worker.cUid >> 32n);
          header.method = 1;
          header.methodName = Errands.methods.push.fullName;
        },
        Errands.methods.push,
        { value },
      );
    peer.send(peer.word(hello('tcp://127.0.0.1:1')));
    const { token } = await proofTo(peer);
    peer.send(push(1));
    peer.send(push(2));
    peer.send(peer.word({ message: { case: 'clockPing', value: { sentMs: 1 } } }));
    peer.send(peer.word(hello('tcp://127.0.0.1:1')));
    await until('its frames to have arrived', () => first.router.traffic().envelopesReceived >= 5);
    expect([first.pushed, first.kin(), peer.ended]).to.deep.equal([[], [false], []]);
    peer.send(peer.word(hello('tcp://127.0.0.1:1', new Kinship(() => key).proof('opens', [TOKEN, token]))));
    peer.send(push(3));
    await until('all to be handled', () => first.pushed.length === 3);
    expect(first.pushed).to.deep.equal([1, 2, 3]);
    expect(first.kin()).to.deep.equal([true]);
  });

  it('does not become another one before it has proven that', async () => {
    const first = await partition(1, newProcessKey());
    const talker = await caller(first);
    talker.send(talker.word(hello('tcp://127.0.0.1:1')));
    const other: v1.LinkMessageInit = {
      message: { case: 'hello', value: { version: 1, address: 'tcp://127.0.0.1:2' } },
    };
    talker.send(talker.word(other));
    await until('its error to be counted', () => first.router.protocolErrors === 1);
    expect(first.kin()).to.deep.equal([false]);
  });
});
