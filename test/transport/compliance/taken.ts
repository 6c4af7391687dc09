import { expect } from 'chai';
import { limits } from '#src/limits.js';
import { Lane, LANES } from '#src/protocol/index.js';
import type { Bench } from '../compliance.js';
import { upTo } from '../../support/numbers.js';
import { someTurns, until } from '../../support/until.js';
import { numbered, openPair } from './peer.js';

export function describeTaken(bench: Bench): void {
  describe('what the peer has taken', () => {
    it('is reported soon, although nothing more is sent', async () => {
      const { client, server } = await openPair(bench);
      for (const number of upTo(5)) client.trySend(Lane.data, numbered(number, 1_000));
      await server.receives(5);
      const total = client.totals.at(-1) ?? 0;
      await until('the report', () => client.link.taken(Lane.data) === total);
      await until('the callback', () => client.reports.at(-1) === total);
      expect(client.link.taken(Lane.control)).to.equal(0);
      expect(client.totals).to.deep.equal([...new Set(client.totals)].toSorted((one, other) => one - other));
    });

    it('is nothing while the peer does not read', async () => {
      const { client } = await openPair(bench, { isServerDeaf: true });
      client.fill(Lane.data, new Uint8Array(limits.frameBytes));
      await someTurns();
      for (const lane of LANES) expect(client.link.taken(lane)).to.equal(0);
      expect(client.reports).to.deep.equal([]);
    });

    it('is known when the peer closes the link, and stays known', async () => {
      const { client, server } = await openPair(bench);
      for (const number of upTo(7)) client.trySend(Lane.data, numbered(number));
      await server.receives(7);
      server.link.close();
      client.trySend(Lane.data, numbered(7));
      await client.end();
      expect(client.link.taken(Lane.data)).to.equal(client.totals[6]);
      expect(client.totals[7]).to.be.greaterThan(client.totals[6] ?? 0);
      await someTurns();
      expect(client.link.taken(Lane.data)).to.equal(client.totals[6]);
      expect(client.late).to.deep.equal([]);
    });

    it('is known after this end has closed the link, when its transport has closed', async () => {
      const { client, server } = await openPair(bench);
      for (const size of [0, 1, 16, limits.frameBytes + 1, 300_000]) await client.send(Lane.data, new Uint8Array(size));
      client.trySend(Lane.control, numbered(1));
      const [control = 0, data = 0] = [client.totals.at(-1), client.totals.at(-2)];
      client.link.close();
      await client.transport.close();
      expect(client.link.taken(Lane.data)).to.equal(data);
      expect(client.link.taken(Lane.control)).to.equal(control);
      await server.receives(6);
      expect(client.late).to.deep.equal([]);
    });

    it('is what the peer had taken, when the peer stops reading and this end closes', async () => {
      const { client } = await openPair(bench, { isServerDeaf: true });
      for (const number of upTo(7)) client.trySend(Lane.data, numbered(number));
      client.link.close();
      await client.transport.close();
      expect(client.link.taken(Lane.data)).to.equal(0);
    });

    it('is no more than what the peer has read when it is killed', async () => {
      const { client, server } = await openPair(bench, { isServerDeaf: true });
      for (const number of upTo(7)) client.trySend(Lane.data, numbered(number));
      await bench.fixture().kill(server.transport);
      await client.end();
      expect(client.link.taken(Lane.data)).to.equal(0);
      client.trySend(Lane.data, numbered(7));
      expect(client.totals).to.satisfy((totals: number[]) => totals.every((total) => total > 0));
    });

    it('counts frames of every size', async () => {
      const { client, server } = await openPair(bench);
      const sizes = [0, 1, limits.frameBytes, limits.frameBytes + 1, 300_000, 2 * limits.linkWindowBytes, 16];
      for (const size of sizes) await client.send(Lane.data, new Uint8Array(size));
      await server.receives(sizes.length);
      await until('the report', () => client.link.taken(Lane.data) === client.totals.at(-1));
    });
  });
}
