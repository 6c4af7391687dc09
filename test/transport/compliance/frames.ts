import { expect } from 'chai';
import fc from 'fast-check';
import { ConfigError, ProtocolError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { Lane } from '#src/protocol/index.js';
import type { Bench } from '../compliance.js';
import { upTo } from '../../support/numbers.js';
import { numbered, numberOf, openPair } from './peer.js';
import { pendingBecause } from '../../support/pending.js';

export function describeFrames(bench: Bench): void {
  describe('frames', () => {
    it('arrive in the order of their lane, both ways at once', async () => {
      const { client, server } = await openPair(bench);
      for (const number of upTo(500)) {
        await client.send(number % 3 === 0 ? Lane.control : Lane.data, numbered(number));
        await server.send(Lane.data, numbered(number));
      }
      await server.receives(500);
      await client.receives(500);
      expect(server.framesOn(Lane.control).map(numberOf)).to.deep.equal(upTo(500).filter((n) => n % 3 === 0));
      expect(server.framesOn(Lane.data).map(numberOf)).to.deep.equal(upTo(500).filter((n) => n % 3 !== 0));
      expect(client.framesOn(Lane.data).map(numberOf)).to.deep.equal(upTo(500));
    });

    it('arrive in a later turn, never inside flush', async () => {
      const { client, server } = await openPair(bench);
      expect(client.trySend(Lane.data, numbered(1))).to.equal(true);
      expect(server.frames).to.have.length(0);
      await server.receives(1);
    });

    it('may be empty', async () => {
      const { client, server } = await openPair(bench);
      await client.send(Lane.data, new Uint8Array(0));
      await client.send(Lane.control, new Uint8Array(0));
      await server.receives(2);
      expect(server.frames.map((frame) => frame.bytes.length)).to.deep.equal([0, 0]);
    });

    it('may be as large as the largest message', async () => {
      const { client, server } = await openPair(bench);
      const largest = numbered(77, limits.maxMessageBytes);
      await client.send(Lane.data, largest);
      await client.send(Lane.data, numbered(78));
      await server.receives(2);
      expect(Buffer.compare(server.frames[0]?.bytes ?? new Uint8Array(), largest)).to.equal(0);
      expect(server.framesOn(Lane.data).map(numberOf)).to.deep.equal([77, 78]);
    });

    it('may not be larger than the bound', async () => {
      const { client } = await openPair(bench);
      expect(() => client.link.acquire(Lane.data, limits.maxMessageBytes * 2)).to.throw(ProtocolError, /limit/);
      expect(client.link.isOpen).to.equal(true);
    });

    it('arrive as they were sent, whatever their sizes', async () => {
      const size = fc.oneof(fc.nat(300), fc.nat(limits.frameBytes), fc.nat(limits.frameBytes * 3));
      const frame = fc.record({ lane: fc.constantFrom(Lane.control, Lane.data), size, fill: fc.nat(255) });
      await fc.assert(
        fc.asyncProperty(fc.array(frame, { maxLength: 30 }), async (frames) => {
          const { client, server } = await openPair(bench);
          const sent = frames.map(({ lane, size: bytes, fill }) => ({ lane, bytes: patterned(bytes, fill) }));
          for (const { lane, bytes } of sent) await client.send(lane, bytes);
          await server.receives(sent.length);
          for (const lane of [Lane.control, Lane.data]) {
            const expected = sent.filter((each) => each.lane === lane).map((each) => each.bytes);
            expect(Buffer.compare(Buffer.concat(server.framesOn(lane)), Buffer.concat(expected))).to.equal(0);
            expect(server.framesOn(lane).map(lengthOf)).to.deep.equal(expected.map(lengthOf));
          }
          client.link.close();
          await server.end();
        }),
        { numRuns: 10 },
      );
    });

    it('are counted in bytes at both ends', async () => {
      const { client, server } = await openPair(bench);
      await client.send(Lane.data, new Uint8Array(1_000));
      await client.send(Lane.control, new Uint8Array(24));
      await server.send(Lane.data, new Uint8Array(5));
      await server.receives(2);
      await client.receives(1);
      expect([client.link.bytesSent, client.link.bytesReceived]).to.deep.equal([1_024, 5]);
      expect([server.link.bytesSent, server.link.bytesReceived]).to.deep.equal([5, 1_024]);
    });

    it('carry only the part of the buffer that was sent', async () => {
      const { client, server } = await openPair(bench);
      const buffer = client.link.acquire(Lane.data, 10);
      if (buffer === undefined) throw new Error('no credit');
      expect(buffer.length).to.be.at.least(limits.frameBytes);
      buffer.fill(9);
      client.link.send(Lane.data, buffer, 3);
      client.transport.flush();
      await server.receives(1);
      expect(server.frames[0]?.bytes).to.deep.equal(new Uint8Array([9, 9, 9]));
    });

    it('leave only in the buffer that was acquired last', async () => {
      const { client } = await openPair(bench);
      expect(() => client.link.send(Lane.data, new Uint8Array(8), 8)).to.throw(ConfigError);
      const buffer = client.link.acquire(Lane.data, 8);
      if (buffer === undefined) throw new Error('no credit');
      expect(() => client.link.acquire(Lane.data, 8)).to.throw(ConfigError);
      expect(client.link.acquire(Lane.control, 8)).to.not.equal(undefined);
      expect(() => client.link.send(Lane.data, buffer, buffer.length + 1)).to.throw(ConfigError);
      client.link.send(Lane.data, buffer, 8);
      expect(() => client.link.send(Lane.data, buffer, 8)).to.throw(ConfigError);
    });

    it('leave nothing to read in buffers that are the link’s again', async function () {
      if (!bench.fixture().isPoisoning)
        return pendingBecause(this, 'this transport has no buffers that can be poisoned');
      const { client, server } = await openPair(bench);
      const kept: Uint8Array[] = [];
      server.onFrame = (_, bytes) => void kept.push(bytes);
      const buffer = client.link.acquire(Lane.data, 4);
      if (buffer === undefined) throw new Error('no credit');
      buffer.set([1, 2, 3, 4]);
      client.link.send(Lane.data, buffer, 4);
      const poison = new Uint8Array(4).fill(0xdb);
      expect(buffer.slice(0, 4)).to.deep.equal(poison);
      buffer.set([5, 6, 7, 8]);
      client.transport.flush();
      await server.receives(1);
      expect(server.frames[0]?.bytes).to.deep.equal(new Uint8Array([1, 2, 3, 4]));
      expect(kept[0]?.slice()).to.deep.equal(poison);
    });
  });
}

const PATTERN = Uint8Array.from({ length: limits.frameBytes * 3 + 256 }, (_, index) => (index * 31) & 0xff);

/** `fill` is below 256. */
function patterned(length: number, fill: number): Uint8Array {
  return PATTERN.subarray(fill, fill + length);
}

function lengthOf(bytes: Uint8Array): number {
  return bytes.length;
}
