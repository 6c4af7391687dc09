import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Runtime } from 'millrace';
import { virtualCluster } from 'millrace/testing';
import { parse } from './read.js';
import requests from './requests.js';

const LOG = '/pay 200 10\n/pay 502 30\n\n/cart 200 5\n';
const REPORT = [
  { path: '/pay', requests: 2, errors: 1, meanMs: 20 },
  { path: '/cart', requests: 1, errors: 0, meanMs: 5 },
];

let folder = '';
let files = { input: '', out: '' };

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'requests-'));
  files = { input: join(folder, 'requests.log'), out: join(folder, 'report.json') };
  await writeFile(files.input, LOG);
});

after(() => rm(folder, { recursive: true }));

const readReport = async (): Promise<unknown> => JSON.parse(await readFile(files.out, 'utf8'));

test('the pipeline sums up a log', async () => {
  const runtime = await Runtime.start({ logLevel: 'silent' });
  try {
    const run = await runtime.run(requests, { args: files });
    await run.done;
    assert.deepEqual(await readReport(), REPORT);
  } finally {
    await runtime.stop();
  }
});

test('the report is the same when frames are lost, and a node crashes', async () => {
  // Time is virtual here, and the same seed gives the same run.
  const cluster = await virtualCluster({ nodes: 3, seed: 7, loss: 0.05 });
  const run = await cluster.runtimes[0].run(requests, { args: files });
  cluster.executor.crash('node-2');
  await run.done;
  assert.deepEqual(await readReport(), REPORT);
  await cluster.stop();
});

test('a line that is none is named', () => {
  assert.throws(() => parse('/pay soon 10', 'requests.log:3'), /requests\.log:3: expected PATH STATUS MILLISECONDS/);
});
