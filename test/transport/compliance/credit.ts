import { expect } from 'chai';
import { limits } from '#src/limits.js';
import { Lane } from '#src/protocol/index.js';
import type { Bench } from '../compliance.js';
import { upTo } from '../../support/numbers.js';
import { someTurns, until } from '../../support/until.js';
import { numbered, numberOf, openPair } from './peer.js';

export function describeCredit(bench: Bench): void {
  describe('credit', () => {
    it('bounds what a receiver that does not read is sent', async () => {
      const { client, server } = await openPair(bench, { isServerDeaf: true });
      const frame = new Uint8Array(limits.frameBytes);
      let sent = client.fill(Lane.data, frame);
      await someTurns();
      sent += client.fill(Lane.data, frame);
      expect(sent).to.be.at.least(1);
      expect(sent * frame.length).to.be.at.most(limits.linkWindowBytes);
      server.listen();
      await server.receives(sent);
    });

    it('bounds empty frames too', async () => {
      const { client, server } = await openPair(bench, { isServerDeaf: true });
      const sent = client.fill(Lane.data, new Uint8Array(0));
      expect(sent).to.be.within(1, limits.linkWindowBytes);
      server.listen();
      await server.receives(sent);
    });

    it('lets control traffic pass a full data lane', async () => {
      const { client, server } = await openPair(bench);
      client.fill(Lane.data, new Uint8Array(limits.frameBytes));
      expect(client.trySend(Lane.control, numbered(5))).to.equal(true);
      await until('the control frame', () => server.framesOn(Lane.control).length === 1);
    });

    it('of the control lane is bounded by itself', async () => {
      const { client, server } = await openPair(bench, { isServerDeaf: true });
      const control = client.fill(Lane.control, new Uint8Array(limits.frameBytes));
      expect(control * limits.frameBytes).to.be.at.most(limits.linkWindowBytes);
      expect(client.trySend(Lane.data, numbered(1))).to.equal(true);
      server.listen();
      await server.receives(control + 1);
    });

    it('comes back when frames are read, and is announced once per refusal', async () => {
      const { client, server } = await openPair(bench, { isServerDeaf: true });
      const sent = client.fill(Lane.data, new Uint8Array(limits.frameBytes));
      await someTurns();
      expect(client.writable).to.deep.equal([]);
      server.listen();
      await until('writable', () => client.writable.length > 0);
      await server.receives(sent);
      await someTurns();
      expect(client.writable).to.deep.equal([Lane.data]);
      expect(client.trySend(Lane.data, numbered(1))).to.equal(true);
    });

    it('is not announced to those who were never refused', async () => {
      const { client, server } = await openPair(bench);
      for (const number of upTo(100)) await client.send(Lane.control, numbered(number));
      await server.receives(100);
      await someTurns();
      expect(client.writable).to.deep.equal([]);
    });

    it('keeps a sender going that writes whenever it may', async () => {
      const { client, server } = await openPair(bench);
      const total = 200;
      let next = 0;
      const write = (): void => {
        while (next < total && client.trySend(Lane.data, numbered(next, limits.frameBytes))) next += 1;
      };
      client.onWritable = write;
      write();
      await server.receives(total);
      expect(server.framesOn(Lane.data).map(numberOf)).to.deep.equal(upTo(total));
    });

    it('lets a frame larger than the window pass alone', async () => {
      const { client, server } = await openPair(bench, { isServerDeaf: true });
      const large = new Uint8Array(limits.linkWindowBytes * 2);
      expect(client.trySend(Lane.data, numbered(1))).to.equal(true);
      expect(client.trySend(Lane.data, large)).to.equal(false);
      server.listen();
      await until('writable', () => client.writable.length > 0);
      expect(client.trySend(Lane.data, large)).to.equal(true);
      expect(client.trySend(Lane.data, numbered(2))).to.equal(false);
      await server.receives(2);
    });
  });
}
