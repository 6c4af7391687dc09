import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { needsCommand } from '../../support/pending.js';
import { stepsOf } from './page.js';
import { Project, root } from './project.js';

/** A reader that is slower than a burst, and clients that leave, beside the files of the page. */
const PROGRAM = `
import assert from 'node:assert/strict';
import { getEventListeners, once } from 'node:events';
import { createServer } from 'node:http';
import { Runtime } from 'millrace';
import { testBehavior } from 'millrace/testing';
import { sendEvents } from './events.js';
import { pricing } from './pricing.js';

const runtime = await Runtime.start({ logLevel: 'silent' });
const prices = runtime.spawn(pricing);
const listeners = () => getEventListeners(runtime.draining, 'abort').length;
const own = listeners();

const slow = prices.watch({ symbol: 'ACME' });
assert.equal((await slow.next()).value.price, 0);
for (let price = 1; price <= 500; price++) prices.observe({ symbol: 'ACME', price });
for (let price = 1; price <= 500; price++) assert.equal((await slow.next()).value.price, price);
await slow.return();

const server = createServer((_request, response) =>
  sendEvents(response, runtime.draining, (signal) => prices.watch({ symbol: 'ACME' }, { signal, timeoutMs: Infinity })),
).listen(0, '127.0.0.1');
await once(server, 'listening');
const url = 'http://127.0.0.1:' + server.address().port;
for (let client = 0; client < 20; client++) {
  const leaves = new AbortController();
  const { body } = await fetch(url, { signal: leaves.signal });
  assert.equal(new TextDecoder().decode((await body.getReader().read()).value), 'data: {"price":500}\\n\\n');
  leaves.abort();
}
const deadline = Date.now() + 60_000;
while (listeners() > own || runtime.metrics().openStreams > 0) {
  assert.ok(Date.now() < deadline, 'clients that have left are still served');
  await new Promise((resolve) => setTimeout(resolve, 5));
}
server.close();
await runtime.stop();

const alone = await testBehavior(pricing);
const watched = alone.handle('watch', { symbol: 'ACME' })[Symbol.asyncIterator]();
await watched.next();
assert.equal(alone.state.feeds.size, 1);
await watched.return();
assert.equal(alone.state.feeds.size, 0);
console.log('passed');
`;

/** Starts each service on a port that another server has. */
const BUSY = `
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

const server = createServer().listen(3000);
await once(server, 'listening');
for (const program of ['fastify.js', 'express.js', 'nest.js']) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program], { encoding: 'utf8', timeout: 240_000 });
  assert.equal(status, 1, program + ' ends with ' + status);
  assert.equal(stdout.includes('listening'), false, program);
  assert.ok((stdout + stderr).includes('EADDRINUSE'), program + ': ' + stdout + stderr);
}
server.close();
console.log('passed');
`;

describe('docs/embedding.md', function () {
  this.timeout(300_000);
  let project: Project;

  // It installs what the checkout does not have, so all tests share it.
  before(async function () {
    needsCommand(this, 'curl');
    project = await Project.create();
  });
  after(() => project?.close());

  const passes = async (path: string, text: string): Promise<void> => {
    await project.do({ kind: 'file', path, text });
    await project.do({ kind: 'run', command: `node ${path}`, prints: 'passed' });
  };

  it('leads from an empty folder to what it promises', async () => {
    for (const step of stepsOf(readFileSync(join(root, 'docs/embedding.md'), 'utf8'))) await project.do(step);
  });

  it('has services that end with an error when their port is in use', () => passes('busy.js', BUSY));

  it('has a stream that loses no element of a burst, and leaves nothing behind when clients leave', () =>
    passes('check.js', PROGRAM));
});
