import assert from 'node:assert/strict';
import { test } from 'node:test';
import { componentNetwork, type Runtime } from 'millrace';
import { virtualCluster } from 'millrace/testing';
import { Primes } from '../gen/primes.js';
import { primes } from './primes.js';

// Real runtimes on virtual time, in this process: the same seed gives the same run.
test('another node answers when one has crashed', async () => {
  const cluster = await virtualCluster({ nodes: 3, seed: 7, latencyMs: 1 });
  const [caller, ...servers] = cluster.runtimes.map((runtime: Runtime) => componentNetwork(runtime));
  assert.ok(caller);
  for (const server of servers) await server.serve(primes, { containers: 1 });
  const client = await caller.client(Primes);

  assert.equal((await client.count({ from: 0, to: 100 })).count, 25);
  cluster.executor.crash('node-1');
  assert.equal((await client.count({ from: 100, to: 200 }, { timeoutMs: 60_000 })).count, 21);

  await cluster.stop();
});
