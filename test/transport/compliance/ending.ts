import { expect } from 'chai';
import { limits } from '#src/limits.js';
import { Lane } from '#src/protocol/index.js';
import type { Bench } from '../compliance.js';
import { upTo } from '../../support/numbers.js';
import { someTurns } from '../../support/until.js';
import { numbered, numberOf, openPair } from './peer.js';

export function describeEnding(bench: Bench): void {
  describe('the end of a link', () => {
    it('is told at both ends, once, in a later turn', async () => {
      const { client, server } = await openPair(bench);
      client.link.close();
      client.link.close();
      expect(client.link.isOpen).to.equal(false);
      expect(client.closed).to.deep.equal([]);
      expect(await client.end()).to.deep.equal({ kind: 'closed' });
      expect(await server.end()).to.deep.equal({ kind: 'closed' });
      expect(server.link.isOpen).to.equal(false);
      await someTurns();
      expect([client.closed.length, server.closed.length]).to.deep.equal([1, 1]);
      expect([...client.late, ...server.late]).to.deep.equal([]);
    });

    it('comes with the reason that was given', async () => {
      const { client, server } = await openPair(bench);
      const reason = { kind: 'protocol', message: 'frame 7 makes no sense' } as const;
      client.link.close(reason);
      expect(await server.end()).to.deep.equal(reason);
      expect(await client.end()).to.deep.equal(reason);
    });

    it('comes after all that was sent before, flushed or not', async () => {
      const { client, server } = await openPair(bench);
      const seenBeforeEnd: number[] = [];
      server.onClosed = () => seenBeforeEnd.push(server.frames.length);
      for (const number of upTo(10)) {
        const lane = number % 2 === 0 ? Lane.data : Lane.control;
        const buffer = client.link.acquire(lane, 16);
        if (buffer === undefined) throw new Error('no credit');
        buffer.set(numbered(number));
        client.link.send(lane, buffer, 16);
      }
      client.link.close();
      await server.end();
      expect(seenBeforeEnd).to.deep.equal([10]);
      expect(server.framesOn(Lane.data).map(numberOf)).to.deep.equal([0, 2, 4, 6, 8]);
    });

    it('waits for a receiver that does not read yet', async () => {
      const { client, server } = await openPair(bench, { isServerDeaf: true });
      const sent = client.fill(Lane.data, new Uint8Array(limits.frameBytes));
      client.link.close();
      await client.end();
      await someTurns();
      server.listen();
      await server.end();
      expect(server.frames).to.have.length(sent);
    });

    it('stops frames to the end that closed', async () => {
      const { client, server } = await openPair(bench);
      for (const number of upTo(5)) await server.send(Lane.data, numbered(number));
      client.link.close();
      const received = client.frames.length;
      await server.end();
      await someTurns();
      expect(client.frames).to.have.length(received);
      expect(client.late).to.deep.equal([]);
    });

    it('may come from inside a frame callback', async () => {
      const { client, server } = await openPair(bench);
      server.onFrame = () => server.link.close();
      for (const number of upTo(5)) client.trySend(Lane.data, numbered(number));
      await client.end();
      await server.end();
      expect(server.frames).to.have.length(1);
    });

    it('may come from both ends at once', async () => {
      const { client, server } = await openPair(bench);
      client.trySend(Lane.data, numbered(1));
      server.trySend(Lane.data, numbered(2));
      client.link.close();
      server.link.close();
      await client.end();
      await server.end();
      await someTurns();
      expect([client.closed.length, server.closed.length]).to.deep.equal([1, 1]);
      expect([...client.late, ...server.late]).to.deep.equal([]);
    });

    it('takes no more frames, and says so without throwing', async () => {
      const { client, server } = await openPair(bench);
      const buffer = client.link.acquire(Lane.data, 4);
      if (buffer === undefined) throw new Error('no credit');
      client.link.close();
      client.link.send(Lane.data, buffer, 4);
      expect(client.link.acquire(Lane.data, 4)).to.equal(undefined);
      expect(client.link.bytesSent).to.equal(0);
      await server.end();
      expect(server.frames).to.deep.equal([]);
    });

    it('comes to all links when a transport closes, before close resolves', async () => {
      const { client, server } = await openPair(bench);
      client.trySend(Lane.data, numbered(3));
      await client.transport.close();
      expect(client.closed).to.deep.equal([{ kind: 'closed' }]);
      expect(await server.end()).to.deep.equal({ kind: 'closed' });
      expect(server.framesOn(Lane.data).map(numberOf)).to.deep.equal([3]);
    });

    it('comes as lost when the peer is killed', async () => {
      const { client, server } = await openPair(bench);
      client.fill(Lane.data, new Uint8Array(limits.frameBytes));
      await bench.fixture().kill(server.transport);
      const reason = await client.end();
      expect(reason.kind).to.equal('lost');
      expect(client.link.isOpen).to.equal(false);
      await someTurns();
      expect(client.closed).to.have.length(1);
      expect(client.late).to.deep.equal([]);
    });

    it('is told to handlers that come after it', async () => {
      const { client, server } = await openPair(bench, { isServerDeaf: true });
      await bench.fixture().kill(client.transport);
      while (server.link.isOpen) await someTurns();
      server.listen();
      expect(server.closed).to.deep.equal([]);
      expect((await server.end()).kind).to.equal('lost');
    });
  });
}
