import { expect } from 'chai';
import fc from 'fast-check';
import { ConfigError, ProtocolError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { FRAME_COST_BYTES, IncomingLane } from '#src/transport/incoming-lane.js';
import { type FrameStore, OutgoingLane } from '#src/transport/outgoing-lane.js';
import { BufferPool } from '#src/transport/buffer-pool.js';

/** Keeps what it is given. */
class Store implements FrameStore {
  hasRoom = true;
  readonly frames: number[] = [];
  dropped = 0;
  lend = (sizeBytes: number): Uint8Array => new Uint8Array(sizeBytes);
  put = (_buffer: Uint8Array, length: number): void => void this.frames.push(length);
  drop = (): void => void (this.dropped += 1);
}

const sizes = fc.integer({ min: 0, max: limits.linkWindowBytes + limits.frameBytes });

/** Sends one frame; false without credit. */
function send(lane: OutgoingLane, sizeBytes: number): boolean {
  const buffer = lane.acquire(sizeBytes);
  if (buffer === undefined) return false;
  lane.send(buffer, sizeBytes, true);
  return true;
}

describe('a lane', () => {
  let store: Store;
  let lane: OutgoingLane;
  beforeEach(() => {
    store = new Store();
    lane = new OutgoingLane(store, () => 'the peer');
  });

  it('sends only what its receiver admits, however frames, reads and grants follow one another', () => {
    const step = fc.oneof(
      fc.record({ send: sizes }),
      fc.record({ read: fc.nat({ max: 5 }) }),
      fc.constant('grant' as const),
      fc.constant('publish' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const sender = new OutgoingLane(new Store(), () => 'the peer');
        const receiver = new IncomingLane();
        const unread: number[] = [];
        for (const next of steps) {
          if (next === 'grant' || next === 'publish') {
            if (next === 'grant') receiver.granted();
            else receiver.published();
            sender.granted(receiver.read);
          } else if ('send' in next) {
            if (!send(sender, next.send)) continue;
            receiver.admit(next.send);
            unread.push(next.send);
          } else {
            for (const sizeBytes of unread.splice(0, next.read)) receiver.wasRead(sizeBytes);
          }
        }
        expect(sender.bytesInFlight).to.be.at.least(unread.reduce((sum, size) => sum + size + FRAME_COST_BYTES, 0));
      }),
    );
  });

  it('lends one buffer at a time, and takes back only that one', () => {
    const buffer = lane.acquire(10);
    expect(() => lane.acquire(10)).to.throw(ConfigError, 'the peer');
    expect(() => lane.send(new Uint8Array(10), 10, true)).to.throw(ConfigError);
    expect(lane.isLent).to.equal(true);
    if (buffer !== undefined) expect(lane.send(buffer, 10, true)).to.equal(10 + FRAME_COST_BYTES);
    expect(store.frames).to.deep.equal([10]);
  });

  it('gives the memory of a frame back that a link no longer takes', () => {
    const buffer = lane.acquire(10);
    if (buffer !== undefined) expect(lane.send(buffer, 10, false)).to.equal(Number.POSITIVE_INFINITY);
    expect([store.dropped, store.frames.length, lane.sent]).to.deep.equal([1, 0, 0]);
  });

  it('is writable again at half of the window, and only after a refusal', () => {
    while (send(lane, limits.frameBytes));
    expect(lane.isWritableAgain).to.equal(false);
    lane.granted(lane.sent - limits.linkWindowBytes / 2 - 1);
    expect(lane.isWritableAgain).to.equal(false);
    lane.granted(lane.sent - limits.linkWindowBytes / 2);
    expect(lane.isWritableAgain).to.equal(true);
    lane.writableReported();
    expect(lane.isWritableAgain).to.equal(false);
  });

  it('refuses a buffer where there is no memory for it', () => {
    store.hasRoom = false;
    expect(lane.acquire(1)).to.equal(undefined);
    expect(lane.isWritableAgain).to.equal(false);
    store.hasRoom = true;
    expect(lane.isWritableAgain).to.equal(true);
  });

  it('believes no grant for more than was sent, and takes none back', () => {
    send(lane, 100);
    send(lane, 100);
    lane.granted(100 + FRAME_COST_BYTES);
    lane.granted(1);
    expect(lane.taken).to.equal(100 + FRAME_COST_BYTES);
    expect(() => lane.granted(lane.sent + 1)).to.throw(ProtocolError, 'granted credit');
    expect(() => lane.granted(Number.NaN)).to.throw(ProtocolError);
  });

  it('refuses a frame without credit at its receiving end, but for one that is alone', () => {
    const receiver = new IncomingLane();
    receiver.admit(limits.linkWindowBytes * 2);
    expect(() => receiver.admit(0)).to.throw(ProtocolError, 'without credit');
    receiver.wasRead(limits.linkWindowBytes * 2);
    // The sender has not been told yet.
    expect(() => receiver.admit(0)).to.throw(ProtocolError, 'without credit');
    receiver.published();
    receiver.admit(0);
    expect(receiver.hasUngranted).to.equal(true);
  });

  it('should grant after a quarter of the window, and earlier for one who asks and whose frames were read', () => {
    const receiver = new IncomingLane();
    receiver.admit(10);
    receiver.admit(10);
    receiver.creditRequested();
    receiver.wasRead(10);
    expect(receiver.shouldGrant).to.equal(false);
    receiver.wasRead(10);
    expect(receiver.shouldGrant).to.equal(true);
    receiver.granted();
    expect([receiver.shouldGrant, receiver.hasUngranted]).to.deep.equal([false, false]);
    receiver.received(limits.linkWindowBytes / 4);
    receiver.wasRead(limits.linkWindowBytes / 4);
    expect(receiver.shouldGrant).to.equal(true);
  });
});

describe('the buffers of a transport', () => {
  it('are reused for frames of about their size, the one used last first', () => {
    const pool = new BufferPool();
    const [first, second] = [pool.take(1_000), pool.take(1_000)];
    pool.giveBack(first);
    pool.giveBack(second);
    expect(pool.take(400)).to.not.be.oneOf([first, second]);
    expect(pool.take(600)).to.equal(second);
    expect(pool.take(1_001)).to.not.equal(first);
    expect(pool.take(1_000)).to.equal(first);
  });

  it('are kept up to a bound, and the largest ones not at all', () => {
    const made: number[] = [];
    const pool = new BufferPool((sizeBytes) => {
      made.push(sizeBytes);
      return new Uint8Array(sizeBytes);
    });
    const mebibyte = 1024 * 1024;
    const taken = Array.from({ length: 20 }, () => pool.take(mebibyte));
    taken.push(pool.take(5 * mebibyte));
    for (const buffer of taken) pool.giveBack(buffer);
    made.length = 0;
    for (let count = 0; count < 20; count++) pool.take(mebibyte);
    pool.take(5 * mebibyte);
    expect(made).to.deep.equal([...Array.from({ length: 12 }, () => mebibyte), 5 * mebibyte]);
  });

  it('are counted while they are in use', () => {
    const pool = new BufferPool();
    const buffer = pool.take(10);
    pool.take(10);
    expect(pool.taken).to.equal(2);
    pool.giveBack(buffer);
    pool.abandon();
    expect(pool.taken).to.equal(0);
    expect(pool.take(10)).to.equal(buffer);
  });
});
