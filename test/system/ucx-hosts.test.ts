import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { describeWithUcx } from '../transport/ucx/available.js';
import { needsCommand, pendingBecause } from '../support/pending.js';
import { until } from '../support/until.js';

const CHILD = fileURLToPath(new URL('../transport/ucx/child.js', import.meta.url));
const KEY = 'a secret of all processes of this cluster';
const NEAR = 'mrx-near';
const FAR = 'mrx-far';

function ip(...args: readonly string[]): boolean {
  return spawnSync('ip', args, { stdio: 'ignore' }).status === 0;
}

/** Two network namespaces with a cable between them. */
function makeHosts(): boolean {
  return (
    ip('netns', 'add', NEAR) &&
    ip('netns', 'add', FAR) &&
    ip('link', 'add', 'mrx0', 'netns', NEAR, 'type', 'veth', 'peer', 'name', 'mrx0', 'netns', FAR) &&
    ip('-n', NEAR, 'addr', 'add', '10.231.7.1/24', 'dev', 'mrx0') &&
    ip('-n', FAR, 'addr', 'add', '10.231.7.2/24', 'dev', 'mrx0') &&
    ip('-n', NEAR, 'link', 'set', 'mrx0', 'up') &&
    ip('-n', FAR, 'link', 'set', 'mrx0', 'up') &&
    ip('netns', 'exec', NEAR, 'unshare', '--ipc', 'true')
  );
}

function removeHosts(): void {
  ip('netns', 'del', NEAR);
  ip('netns', 'del', FAR);
}

/** The kernel takes a moment to notice a cable. */
function isUp(host: string): boolean {
  return / UP /.test(spawnSync('ip', ['-n', host, '-br', 'link', 'show', 'mrx0'], { encoding: 'utf8' }).stdout);
}

/** A process on such a host, with System V and POSIX shared memory of its own. */
function on(host: string, ...args: readonly string[]): ChildProcess {
  const node = [process.execPath, CHILD, ...args];
  return spawn('ip', ['netns', 'exec', host, 'unshare', '--ipc', ...node], { stdio: ['ignore', 'pipe', 'pipe'] });
}

async function line(child: ChildProcess): Promise<string> {
  const [bytes] = (await once(child.stdout ?? child, 'data')) as [Buffer];
  return bytes.toString().trim();
}

describeWithUcx('ucx between two hosts', () => {
  const children: ChildProcess[] = [];

  before(function () {
    needsCommand(this, 'ip', 'iproute2');
    removeHosts();
    if (makeHosts()) return;
    removeHosts();
    pendingBecause(this, 'network namespaces cannot be made here; root can make them outside a chroot');
  });

  after(() => {
    for (const child of children) child.kill('SIGKILL');
    removeHosts();
  });

  it('carries frames over TCP, and refuses shared memory', async function () {
    this.timeout(180_000);
    await until('the cable', () => isUp(NEAR) && isUp(FAR));
    const options = { listen: 'tcp://10.231.7.2:0', interfaces: ['mrx0'], key: KEY };
    const far = on(FAR, 'listen', JSON.stringify(options));
    children.push(far);
    const address = await line(far);
    expect(address).to.match(/^ucx\+tcp:\/\/10\.231\.7\.2:/);
    const tcp = on(NEAR, 'ping', address, JSON.stringify({ key: KEY, fabric: 'tcp', interfaces: ['mrx0'] }));
    children.push(tcp);
    expect(await line(tcp)).to.equal('5000 tcp');
    const shared = on(NEAR, 'ping', address, JSON.stringify({ key: KEY }));
    children.push(shared);
    const [code] = (await once(shared, 'exit')) as [number];
    expect(code).to.equal(1);
  });
});
