import { connect, createServer } from 'node:net';
import { expect } from 'chai';
import fc from 'fast-check';
import { UnreachableError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { formatAddress, parseAddress } from '#src/socket-address.js';
import { rejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { HastyScheduler, hello, KEY, Meeting, record } from './meeting.js';

const NONCE = new Uint8Array(32).fill(7);
const opening = (address: string, more = {}) =>
  record({
    case: 'opening',
    value: { oldestVersion: 1, newestVersion: 1, nonce: NONCE, address, isKeyed: true, ...more },
  });

describe('the handshake on a socket', () => {
  let meeting: Meeting;
  const open = async (...args: ConstructorParameters<typeof Meeting>): Promise<Meeting> => {
    meeting = await new Meeting(...args).open();
    return meeting;
  };
  afterEach(async () => meeting.end());

  it('gives each end the hello of the other', async () => {
    const { accepted, heard } = await open({ key: KEY });
    const client = await meeting.dial();
    await until('the server to accept', () => accepted.length === 1);
    expect(client.peer).to.deep.equal(hello('server'));
    expect(accepted[0]?.peer).to.deep.equal(hello('client'));
    expect(heard).to.deep.equal([hello('client')]);
    expect([client.peerAddress, accepted[0]?.peerAddress]).to.deep.equal([meeting.address, 'unix:/client']);
    expect([client.isLocal, accepted[0]?.isLocal]).to.deep.equal([true, true]);
  });

  it('needs no key on a socket file that only this user can open', async () => {
    const { accepted } = await open();
    await meeting.dial();
    await until('the server to accept', () => accepted.length === 1);
  });

  for (const [name, client] of [
    ['another key', { key: 'another key of 16 bytes' }],
    ['no key', {}],
  ] as const) {
    it(`rejects a client with ${name}, before it receives its hello`, async () => {
      const { accepted, heard, listener } = await open({ key: KEY });
      const error = await rejection(meeting.dial(client));
      expect(error).to.be.instanceOf(UnreachableError).with.property('message').that.matches(/key/);
      expect([accepted.length, heard.length, listener.rejected]).to.deep.equal([0, 0, 1]);
    });
  }

  it('tells a client that the process it has dialed has exited, where another one listens in its place', async () => {
    const { listener } = await open({ key: KEY });
    const place = parseAddress(meeting.address) ?? expect.fail('no address');
    const error = await rejection(meeting.dial({ key: KEY }, formatAddress({ ...place, instance: '0123' })));
    expect(error).to.be.instanceOf(UnreachableError).with.property('isRefused', true);
    expect(String(error)).to.include('has exited');
    // It is an answer: the client has not tried again.
    expect(listener.rejected).to.equal(1);
    const other = await rejection(meeting.dial({ key: 'another key of 16 bytes' }));
    expect(other).to.be.instanceOf(UnreachableError).with.property('isRefused', false);
  });

  it('is rejected by a client with a key, when the server has none', async () => {
    const { accepted } = await open();
    expect(await rejection(meeting.dial({ key: KEY }))).to.be.instanceOf(UnreachableError);
    expect(accepted).to.deep.equal([]);
  });

  it('does not accept the recording of another handshake', async () => {
    const { accepted, listener } = await open({ key: KEY });
    const between = await wiretap(meeting.address);
    await meeting.dial({ key: KEY }, between.address);
    await until('the server to accept', () => accepted.length === 1);
    const stranger = await meeting.raw();
    stranger.socket.write(between.recorded());
    await stranger.isRejected();
    expect([accepted.length, listener.rejected]).to.deep.equal([1, 1]);
    between.close();
  });

  it('tells nothing to a client whose opening proves no key, and keeps no state for it', async () => {
    const { heard, listener } = await open({ key: KEY });
    const [silent, wrong] = [await meeting.raw(), await meeting.raw()];
    silent.socket.write(opening(meeting.address));
    wrong.socket.write(opening(meeting.address));
    wrong.socket.write(record({ case: 'proof', value: { mac: new Uint8Array(32) } }));
    await wrong.isRejected();
    expect(Buffer.from(wrong.received).toString('latin1')).to.include('different cluster keys');
    expect([silent.received.length, heard.length, listener.rejected]).to.deep.equal([0, 0, 1]);
  });

  it('rejects what it has sent itself when the client sends it back', async () => {
    const { accepted } = await open({ key: KEY });
    const [one, other] = [await meeting.raw(), await meeting.raw()];
    for (const stranger of [one, other]) stranger.socket.write(await recordedOpening());
    await until('both challenges', () => one.received.length > 0 && other.received.length > 0);
    expect(Buffer.compare(one.received, other.received)).to.not.equal(0);
    one.socket.write(other.received);
    await one.isRejected();
    expect(accepted).to.have.length(2);
  });

  it('lets a recorded opening have one handshake at a time', async () => {
    const { listener } = await open({ key: KEY });
    const recorded = await recordedOpening();
    const [first, second] = [await meeting.raw(), await meeting.raw()];
    first.socket.write(recorded);
    await until('the challenge', () => first.received.length > 0);
    second.socket.write(recorded);
    await second.isRejected();
    expect(Buffer.from(second.received).toString('latin1')).to.include('recording');
    expect([first.socket.closed, listener.handshakes]).to.deep.equal([false, 1]);
  });

  /** The opening of a client that has the key, with its proof. */
  async function recordedOpening(): Promise<Uint8Array> {
    const between = await wiretap(meeting.address);
    await meeting.dial({ key: KEY }, between.address);
    between.close();
    const said = between.recorded();
    const end = (start: number): number => start + 4 + said.readUInt16LE(start + 2);
    return said.subarray(0, end(end(0)));
  }

  for (const [name, more] of [
    ['a version that is not spoken here', { oldestVersion: 2, newestVersion: 9 }],
    ['a nonce that is too short', { nonce: new Uint8Array(8) }],
    ['an address of another kind', { address: 'tcp://127.0.0.1:1' }],
    ['an address that is none', { address: 'nonsense' }],
    ['the address of a process that has exited', { address: 'unix:/x#0123' }],
  ] as const) {
    it(`rejects ${name}, and says why`, async () => {
      const { accepted } = await open({ key: KEY });
      const stranger = await meeting.raw();
      stranger.socket.write(opening(meeting.address, more));
      await stranger.isRejected();
      expect(Buffer.from(stranger.received).toString('latin1')).to.match(/version|nonce|dialed|exited/);
      expect(accepted).to.deep.equal([]);
    });
  }

  it('rejects a first record that is too large by its length alone', async () => {
    const { listener } = await open();
    const stranger = await meeting.raw();
    const length = limits.openingRecordBytes + 1;
    stranger.socket.write(Uint8Array.from([0x6d, 0x72, length & 0xff, length >> 8]));
    await stranger.isRejected();
    expect(listener.rejected).to.equal(1);
  });

  it('rejects a client that is too slow', async () => {
    const { listener } = await open({}, {}, new HastyScheduler());
    const strangers = [await meeting.raw(), await meeting.raw()];
    strangers[1]?.socket.write(opening(meeting.address).subarray(0, 9));
    for (const stranger of strangers) await stranger.isRejected();
    expect(listener.rejected).to.equal(2);
  });

  it('survives random bytes, and logs that at most once a second', async () => {
    const { listener, accepted, log } = await open({ key: KEY });
    const start = opening(meeting.address);
    const garbage = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 2_000 }),
      fc.uint8Array({ minLength: 40 }).map((bytes) => Uint8Array.from([...start, ...bytes])),
      fc.nat(start.length - 1).map((at) => start.map((byte, index) => (index === at ? byte ^ 0x55 : byte))),
    );
    let count = 0;
    await fc.assert(
      fc.asyncProperty(garbage, async (bytes) => {
        const stranger = await meeting.raw();
        stranger.socket.end(bytes);
        await stranger.isRejected();
        count += 1;
      }),
      { numRuns: 100 },
    );
    expect(listener.rejected).to.equal(count);
    expect(accepted).to.deep.equal([]);
    expect(log.filter(({ message }) => message === 'a connection was rejected').length).to.be.within(1, 10);
    await meeting.dial();
  });
});

/** Relays bytes to the real listener and back, and records what the client has sent. */
async function wiretap(address: string) {
  const path = /unix:([^#]*)/.exec(address)?.[1] ?? '';
  const said: Uint8Array[] = [];
  const server = createServer((near) => {
    const far = connect(path);
    near.on('data', (bytes: Uint8Array) => said.push(bytes)).on('error', () => {});
    far.on('error', () => {});
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(`${path}.tap`, resolve));
  return {
    address: address.replace(path, `${path}.tap`),
    recorded: () => Buffer.concat(said),
    close: () => server.close(),
  };
}
