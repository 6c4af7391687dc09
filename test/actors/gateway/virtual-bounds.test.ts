import { expect } from 'chai';
import { AskTimeoutError, BackpressureError, ProtocolError, UnreachableError } from '#src/errors.js';
import { v1 } from '#src/protocol/on-demand/index.js';
import { encode } from '#src/protocol/index.js';
import type { VirtualCluster } from '#src/testing/index.js';
import { Listing } from '../transport/errands.js';
import { upTo } from '../../support/numbers.js';
import { rejection } from '../../support/rejection.js';
import { MemoryGateway, type MemorySocket, TOKEN } from './memory-pair.js';
import type { Stall } from './stall.js';
import { VirtualWorld } from './virtual-world.js';

describe('the bounds of a gateway for clients, on virtual time,', () => {
  let world: VirtualWorld;
  let cluster: VirtualCluster;
  let stall: Stall;

  beforeEach(async () => {
    world = await VirtualWorld.start();
    ({ cluster, stall } = world);
  });
  afterEach(() => world.stop());

  it('holds a slow reader back, then cuts it off with a reason, and its server keeps a bounded number of bytes', async () => {
    world.gateway = new MemoryGateway(cluster.runtimes[0], { limits: { bufferBytes: 50_000, slowReaderMs: 5_000 } });
    const { client, ref } = await world.found();
    const load = new Uint8Array(10_000);
    const stream = ref.list({ value: 1_000, load }, { windowItems: 1_024, timeoutMs: Number.POSITIVE_INFINITY });
    await stream.next();
    const slow = world.socket;
    slow.isStalled = true;
    await cluster.pass(3_000);
    slow.unstall();
    for (let count = 0; count < 100; count++) await stream.next();
    expect(slow.end).to.equal(undefined);
    slow.isStalled = true;
    await cluster.until(() => slow.end !== undefined, { timeoutMs: 20_000 });
    expect(slow.end).to.deep.equal({ code: 4409, reason: 'it has not read for 5000 ms' });
    await cluster.until(() => client.state === 'open');
    expect(await rejection(drained(stream)))
      .to.be.instanceOf(UnreachableError)
      .with.property('message')
      .that.includes('not read');
  });

  it('makes no more elements than fit its buffer and one for each stream, however many streams a client does not read, and serves them in turns', async () => {
    world.gateway = new MemoryGateway(cluster.runtimes[0], { limits: { bufferBytes: 50_000, cutBytes: 100_000 } });
    const { client, ref } = await world.found();
    const load = new Uint8Array(30_000);
    const seen = upTo(40).map(() => 0);
    const reading = seen.map(async (_, index) => {
      const stream = ref.list({ value: 1_000, load }, { windowItems: 1_024, timeoutMs: Number.POSITIVE_INFINITY });
      for await (const { value } of stream) {
        seen[index] = value + 1;
        if (value === 15) return;
      }
    });
    await cluster.until(() => stall.listing === 40);
    world.socket.isStalled = true;
    await cluster.pass(2_000);
    const waiting = stall.listed - seen.reduce((sum, each) => sum + each);
    expect(waiting).to.be.within(2, 40 + 5);
    world.socket.unstall();
    await cluster.until(() => seen.includes(15));
    expect(Math.min(...seen)).to.be.at.least(12);
    await Promise.all(reading);
    expect([client.state, world.socket.end]).to.deep.equal(['open', undefined]);
  });

  it('cuts off nobody who reads, however much it has asked for at once, and soon who does not', async () => {
    world.gateway = new MemoryGateway(cluster.runtimes[0], { limits: { bufferBytes: 100, cutBytes: 500 } });
    const reading = await world.found();
    const { socket: read } = world;
    const silent = await world.found();
    const { socket: unread } = world;
    const replies = upTo(200).map(() => reading.ref.run({ value: 99 }));
    const lost = upTo(200).map(() => rejection(silent.ref.run({ value: 99 })));
    await cluster.pass(100);
    unread.isStalled = true;
    stall.gate.resolve();
    expect(await Promise.all(replies)).to.have.length(200);
    await cluster.until(() => unread.end !== undefined, { timeoutMs: 3_000 });
    expect([read.end, unread.end?.code]).to.deep.equal([undefined, 4409]);
    for (const error of await Promise.all(lost)) expect(error).to.be.instanceOf(UnreachableError);
  });

  it('refuses more calls than it takes, and messages larger than it takes', async () => {
    world.gateway = new MemoryGateway(cluster.runtimes[0], { limits: { calls: 3, frameBytes: 2_000 } });
    const { ref } = await world.found();
    const waiting = upTo(3).map(() => rejection(ref.run({ value: 99 })));
    expect(await rejection(ref.run({ value: 1 }))).to.be.instanceOf(BackpressureError);
    expect(() => ref.push({ load: new Uint8Array(3_000) })).to.throw(ProtocolError, 'the gateway takes 2000');
    await Promise.all(waiting);
    expect((await ref.run({ value: 1 })).value).to.equal(2);
  });

  it('looks up few names at a time for one client, and goes on with those that it knows', async () => {
    world.gateway = new MemoryGateway(cluster.runtimes[0], { allow: [{ service: Listing }] });
    const { client, ref } = await world.found();
    const searches = upTo(32).map((name) => rejection(client.lookup(Listing, `no ${name}`, { timeoutMs: 2_000 })));
    const same = rejection(client.lookup(Listing, 'no 7', { timeoutMs: 2_000 }));
    expect(await rejection(client.lookup(Listing, 'no more'))).to.be.instanceOf(BackpressureError);
    expect((await ref.run({ value: 1 })).value).to.equal(2);
    for (const each of await Promise.all([...searches, same])) expect(each).to.be.instanceOf(AskTimeoutError);
    await cluster.pass(10_000);
    expect(await rejection(client.lookup(Listing, 'no more', { timeoutMs: 500 }))).to.be.instanceOf(AskTimeoutError);
    await cluster.pass(10_000);
  });

  it('grants no more than a gateway takes, however many elements are waited for at once', async () => {
    const { client, ref } = await world.found();
    const stream = ref.list({ value: 3_000 }, { windowItems: 1_024 });
    const values = await Promise.all(upTo(3_000).map(() => stream.next()));
    expect(values.map(({ value }) => value?.value)).to.deep.equal(upTo(3_000));
    await stream.return();
    expect(client.state).to.equal('open');
  });

  it('lets a flood of one client cost that client: others are served between its frames', async () => {
    const { ref } = await world.found();
    const flooder = world.gateway.dial();
    const say = (value: v1.ClientFrameInit['frame']): void => flooder.send(encode(v1.ClientFrame, { frame: value }));
    flooder.onopen = () => say({ case: 'hello', value: { version: 1, token: TOKEN } });
    await cluster.pass(100);
    let answered = 0;
    flooder.onmessage = () => void answered++;
    for (const number of upTo(1_000)) {
      say({ case: 'call', value: { call: number + 1, name: 'stall', method: 'test.Listing.Run' } });
      say({ case: 'cancel', value: { call: number + 1 } });
      say({ case: 'ping', value: { number } });
    }
    const asked = ref.run({ value: 99 });
    // The ask reaches its actor in the turn in which it arrives; the frames before it have had one or two turns.
    await cluster.until(() => stall.clients.length > 0 && stall.waiting > 0);
    const before = stall.clients.length;
    stall.gate.resolve();
    expect((await asked).value).to.equal(100);
    expect(before).to.be.below(100);
    await cluster.until(() => answered >= 1_000);
    expect(flooder.end).to.equal(undefined);
    flooder.break();
  });

  it('delivers or reports each tell that was taken, also behind a lookup, and when the connection is lost', async () => {
    const { client, ref } = await world.found();
    let undelivered = 0;
    client.onUndelivered(() => void undelivered++);
    await world.far.stopActor(await world.far.lookup(Listing, 'stall'));
    await cluster.pass(1_100);
    for (const value of upTo(3_000)) expect(ref.push({ value })).to.equal(true);
    await cluster.pass(500);
    await world.far.register('stall', world.far.spawn(stall.behavior));
    await cluster.until(() => stall.pushed.length === 3_000);
    await cluster.pass(100);
    expect([undelivered, stall.pushed]).to.deep.equal([0, upTo(3_000)]);
    for (const value of upTo(2_000)) ref.push({ value });
    world.socket.break();
    expect(undelivered).to.equal(2_000);
  });

  it('waits for the answers to its tells over the connection of a gateway that goes away, and reports them when it is lost', async () => {
    const { client, ref } = await world.found();
    let undelivered = 0;
    client.onUndelivered(() => void undelivered++);
    const leave = async (): Promise<MemorySocket> => {
      await world.far.stopActor(await world.far.lookup(Listing, 'stall'));
      await cluster.pass(1_100);
      for (const value of upTo(300)) ref.push({ value });
      await cluster.pass(100);
      const { socket } = world;
      void world.gateway.replace().goAway();
      await cluster.until(() => client.state === 'open' && world.socket !== socket);
      return socket;
    };
    const former = await leave();
    // The gateway has read the last of them after it had said that it goes.
    expect([undelivered, stall.pushed]).to.deep.equal([0, []]);
    await world.far.register('stall', world.far.spawn(stall.behavior));
    await cluster.until(() => former.end !== undefined);
    await cluster.pass(100);
    expect(undelivered + stall.pushed.length).to.equal(300);
    expect(stall.pushed).to.deep.equal(upTo(stall.pushed.length)).and.to.have.length.at.least(256);
    const before = undelivered;
    const lost = await leave();
    lost.break();
    expect(undelivered - before).to.equal(300);
    expect(client.state).to.equal('open');
  });

  it('takes a wide stream that many wait for before there is a connection, and cuts off who grants too much', async () => {
    const { client, ref } = await world.found();
    world.socket.break();
    const stream = ref.list({ value: 3_000 }, { windowItems: 1_024 });
    const reads = upTo(2_000).map(() => stream.next());
    const asked = ref.run({ value: 1 });
    const results = await Promise.all(reads);
    expect(results.map(({ value }) => value?.value)).to.deep.equal(upTo(2_000));
    expect((await asked).value).to.equal(2);
    await stream.return();
    expect([client.state, world.gateway.sockets.length]).to.deep.equal(['open', 2]);
    const greedy = ref.list({ value: 1_000 });
    await greedy.next();
    const grant = { case: 'grant', value: { call: 3, credit: 4_000_000_000 } } as const;
    world.socket.send(encode(v1.ClientFrame, { frame: grant }));
    await cluster.until(() => world.socket.end !== undefined || world.gateway.sockets.length > 2);
    expect(world.gateway.refusals.join()).to.include('too far ahead');
    expect(await rejection(drained(greedy))).to.be.instanceOf(UnreachableError);
  });

  it('takes times in fractions of a ms', async () => {
    const { client, ref } = await world.found();
    expect((await ref.list({ value: 1 }, { timeoutMs: 1_500.5 }).next()).value?.value).to.equal(0);
    expect((await ref.run({ value: 1 }, { timeoutMs: 0.5 + 100 })).value).to.equal(2);
    expect(await rejection(client.lookup(Listing, 'late', { timeoutMs: 99.5 }))).to.be.instanceOf(AskTimeoutError);
    await cluster.pass(11_000);
  });

  it('takes frames from nobody before it knows who that is, and nothing that is no frame', async () => {
    const frame = (value: v1.ClientFrameInit): Uint8Array => encode(v1.ClientFrame, value);
    const hello = (token: string, version = 1): Uint8Array =>
      frame({ frame: { case: 'hello', value: { version, token } } });
    const ask = (call: number): Uint8Array =>
      frame({ frame: { case: 'call', value: { call, name: 'stall', method: 'test.Listing.Run' } } });
    const credit = frame({
      frame: { case: 'call', value: { call: 1, name: 'stall', method: 'test.Listing.List', credit: 9_999 } },
    });
    const message = encode(Listing.methods.list.request, { value: 1_000 });
    const list = frame({
      frame: { case: 'call', value: { call: 1, name: 'stall', method: 'test.Listing.List', message, credit: 1 } },
    });
    const grant = frame({ frame: { case: 'grant', value: { call: 1, credit: 4_000_000_000 } } });
    const cases: readonly [frames: Uint8Array[], code: number, reason: string][] = [
      [[ask(1)], 4400, 'before the welcome'],
      [[Uint8Array.of(255, 255)], 4400, 'cannot be decoded'],
      [[hello(TOKEN, 2)], 4406, 'version 2'],
      [[hello('')], 4401, 'the token was refused'],
      [[], 4408, 'not said who it is within 5000 ms'],
    ];
    for (const [frames, code, reason] of cases) {
      const stranger = world.gateway.dial();
      stranger.onopen = () => {
        for (const each of frames) stranger.send(each);
      };
      await cluster.until(() => stranger.end !== undefined, { timeoutMs: 10_000 });
      expect(stranger.end?.code, reason).to.equal(code);
      expect(stranger.end?.reason).to.include(reason);
    }
    const later: readonly [frames: Uint8Array[], reason: string][] = [
      [[frame({})], 'no known kind'],
      [[ask(2), ask(2)], 'call 2 came after call 2'],
      [[credit], 'granted 9999'],
      [[list, grant], 'granted 4000000000'],
      [[hello(TOKEN)], 'hello twice'],
    ];
    for (const [frames, reason] of later) {
      const client = world.gateway.dial();
      client.onopen = () => client.send(hello(TOKEN));
      client.onmessage = () => {
        for (const each of frames.splice(0)) client.send(each);
      };
      await cluster.until(() => client.end !== undefined, { timeoutMs: 10_000 });
      expect(client.end?.reason).to.include(reason);
    }
    expect(stall.clients.length).to.be.below(2);
  });
});

async function drained(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _each of stream);
}
