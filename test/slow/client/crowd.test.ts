import { expect } from 'chai';
import { WebSocket } from 'ws';
import { clientGateway, tokenAuthentication } from '#src/actors/gateway/index.js';
import { Runtime } from '#src/actors/runtime/index.js';
import { type Client, connect } from '#src/client/index.js';
import { encode } from '#src/protocol/index.js';
import { v1 } from '#src/protocol/on-demand/index.js';
import { Stall } from '../../actors/gateway/stall.js';
import { Listing } from '../../actors/transport/errands.js';
import { upTo } from '../../support/numbers.js';
import { eventually } from '../../support/until.js';

const TOKEN = 'a token that nobody guesses';
const SLOW = 100;
const LOAD_BYTES = 30_000;
const BUFFER_BYTES = 100_000;

describe('a gateway for clients in a crowd', function () {
  this.timeout(180_000);

  it('serves its clients among 1,000 strangers and 100 clients that do not read, in bounded memory', async () => {
    const runtime = await Runtime.start({ logLevel: 'silent' });
    const stall = new Stall();
    await runtime.register('stall', runtime.spawn(stall.behavior));
    const gateway = await clientGateway(runtime, {
      port: 0,
      authenticate: tokenAuthentication({ [TOKEN]: { subject: 'page' } }),
      allow: [{ service: Listing }],
      limits: { unauthenticated: 64, bufferBytes: BUFFER_BYTES, slowReaderMs: 4_000 },
    });
    const sockets: WebSocket[] = [];
    const dial = (): WebSocket => {
      const socket = new WebSocket(gateway.address, 'millrace-client');
      sockets.push(socket.on('error', () => {}));
      return socket;
    };
    const clients: Client[] = [];
    try {
      clients.push(await connect({ url: gateway.address, token: TOKEN }));
      for (const _each of upTo(1_000)) dial();
      await eventually(async () => (await gateway.ref.describe()).rejected >= 900);
      // It gets in, whatever the strangers do.
      clients.push(await connect({ url: gateway.address, token: TOKEN }));
      expect((await gateway.ref.describe()).unauthenticated).to.be.at.most(64);

      const message = encode(Listing.methods.list.request, { value: 1_000, load: new Uint8Array(LOAD_BYTES) });
      const hello = encode(v1.ClientFrame, { frame: { case: 'hello', value: { version: 1, token: TOKEN } } });
      const call = { call: 1, name: 'stall', method: 'test.Listing.List', message, credit: 1_000 };
      for (const _each of upTo(SLOW)) {
        const slow = dial();
        slow.once('open', () => slow.send(hello));
        slow.once('message', () => {
          slow.pause();
          slow.send(encode(v1.ClientFrame, { frame: { case: 'call', value: call } }));
        });
      }
      // On a busy machine the first of them are given up before the last has begun.
      await eventually(() => stall.begun === SLOW);
      const before = process.memoryUsage();
      const stand = await clients[0]?.lookup(Listing, 'stall');
      for (const value of upTo(200)) expect((await stand?.run({ value: value + 100 }))?.value).to.equal(value + 101);
      const after = process.memoryUsage();
      const grown = after.external + after.arrayBuffers - before.external - before.arrayBuffers;
      expect(grown, 'bytes beside the heap').to.be.below(SLOW * (BUFFER_BYTES + 20 * LOAD_BYTES));
      await eventually(() => stall.listing === 0);
      expect((await gateway.ref.describe()).clients).to.equal(2);
      expect(clients.map(({ state }) => state)).to.deep.equal(['open', 'open']);
    } finally {
      for (const client of clients) client.close();
      for (const socket of sockets) socket.terminate();
      await gateway.close({ graceMs: 100 });
      await runtime.stop();
    }
    expect(runtime.scheduler.pendingTimers).to.equal(0);
  });
});
