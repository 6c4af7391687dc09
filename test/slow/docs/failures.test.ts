import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stepsBefore } from './page.js';
import { Project, root } from './project.js';

/** Starts the programs of docs/clusters.md, kills them, and compares what is left with the page about failures. */
const PROGRAM = `
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { behavior, Runtime } from 'millrace';
import { Pricing } from './gen/shop.js';

const children = [];
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));
async function start(program) {
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  await once(child.stdout, 'data');
  return child;
}
async function kill(child) {
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
async function until(isTrue) {
  const deadline = Date.now() + 60_000;
  while (!isTrue()) {
    assert.ok(Date.now() < deadline, String(isTrue));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
const unreachable = { name: 'UnreachableError' };

let controlPlane = await start('control-plane.js');
let worker = await start('worker.js');
const runtime = await Runtime.start({
  controlPlane: 'tcp://127.0.0.1:7000',
  clusterKeyFile: 'cluster.key',
  nodeName: 'client',
  logLevel: 'silent',
});

// A process is killed.
const first = await runtime.lookup(Pricing, 'pricing');
const ended = [];
runtime.spawn(
  behavior(Pricing, {
    quote: () => ({}),
    on: {
      started: (_state, ctx) => ctx.watch(first),
      terminated: (_state, { reason }) => void ended.push(reason),
    },
  }),
);
await first.quote({ symbol: 'ACME' });
worker.kill('SIGSTOP');
const pending = assert.rejects(first.quote({ symbol: 'ACME' }, { timeoutMs: 60_000 }), unreachable);
await kill(worker);
await pending;
await until(() => ended.includes('unreachable'));
await assert.rejects(first.quote({ symbol: 'ACME' }), unreachable);

// Its name can be registered again; the old reference stays dead.
worker = await start('worker.js');
const second = await runtime.lookup(Pricing, 'pricing');
assert.equal((await second.quote({ symbol: 'ACME' })).price, 40);
await assert.rejects(first.quote({ symbol: 'ACME' }), unreachable);

// A stopped process is not declared dead.
worker.kill('SIGSTOP');
await assert.rejects(second.quote({ symbol: 'ACME' }, { timeoutMs: 200 }), { name: 'AskTimeoutError' });
worker.kill('SIGCONT');
assert.equal((await second.quote({ symbol: 'ACME' })).price, 40);

// The control plane is killed: this process goes on, and rejoins when it is back.
await kill(controlPlane);
await until(() => !runtime.health().controlPlane.isReachable);
assert.equal(runtime.health().isAlive, true);
assert.equal(runtime.health().isReady, false);
assert.equal((await second.quote({ symbol: 'ACME' })).price, 40);
await assert.rejects(runtime.lookup(Pricing, 'pricing', { timeoutMs: 100 }), unreachable);
const waiting = runtime.lookup(Pricing, 'pricing', { timeoutMs: 20_000 });
controlPlane = await start('control-plane.js');
assert.equal((await (await waiting).quote({ symbol: 'ACME' })).price, 40);
await until(() => runtime.health().isReady);
assert.equal((await second.quote({ symbol: 'ACME' })).price, 40);

await runtime.stop();
await kill(worker);
await kill(controlPlane);
console.log('passed');
`;

describe('docs/failures.md', function () {
  this.timeout(300_000);

  it('says what happens when processes of a cluster are killed or stopped, and when the control plane is gone', async () => {
    const shared = stepsBefore(readFileSync(join(root, 'docs/clusters.md'), 'utf8'), ({ kind }) => kind === 'start');
    const project = await Project.create();
    try {
      for (const step of shared) await project.do(step);
      await project.do({ kind: 'file', path: 'check.js', text: PROGRAM });
      await project.do({
        kind: 'run',
        command: 'node check.js 2> log.txt || (cat log.txt && false)',
        prints: 'passed',
      });
    } finally {
      await project.close();
    }
  });
});
