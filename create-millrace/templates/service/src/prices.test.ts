import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Runtime } from 'millrace';
import { testBehavior } from 'millrace/testing';
import { prices } from './prices.js';
import { createServer } from './server.js';

test('the actor keeps the last price, and refuses a share that it does not know', async () => {
  const actor = await testBehavior(prices);
  await actor.handle('observe', { symbol: 'ACME', price: 10 });
  await actor.handle('observe', { symbol: 'ACME', price: 12.5 });

  assert.deepEqual(await actor.handle('quote', { symbol: 'ACME' }), { price: 12.5, trades: 2 });
  await assert.rejects(actor.handle('quote', { symbol: 'NOBODY' }), { reason: 'NOT_FOUND' });
});

test('the service takes a price, and answers with it', async () => {
  const runtime = await Runtime.start({ logLevel: 'silent' });
  const server = createServer(runtime, runtime.spawn(prices));
  try {
    const url = '/prices/ACME';
    assert.equal((await server.inject({ method: 'PUT', url, payload: { price: 12.5 } })).statusCode, 202);
    assert.deepEqual((await server.inject(url)).json(), { price: 12.5, trades: 1 });

    assert.equal((await server.inject({ method: 'PUT', url, payload: { price: -1 } })).statusCode, 400);
    assert.equal((await server.inject('/prices/NOBODY')).statusCode, 404);
    assert.equal((await server.inject('/readyz')).statusCode, 200);
    assert.match((await server.inject('/metrics')).body, /^millrace_asks_total/m);
  } finally {
    await server.close();
    await runtime.stop();
  }
});
