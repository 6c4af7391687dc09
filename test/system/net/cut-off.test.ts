import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { needsCommand, pendingBecause } from '../../support/pending.js';
import { until } from '../../support/until.js';

const PROGRAM = fileURLToPath(new URL('host-process.js', import.meta.url));
const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8', stdio: 'pipe' });

/** Two network namespaces with a cable between them are two hosts. */
describe('a link between two hosts', function () {
  this.timeout(120_000);
  const names = ['a', 'b'].map((name) => `mr${process.pid}${name}`);
  const [a = '', b = ''] = names;
  const children: ChildProcess[] = [];

  const makeHosts = (): void => {
    for (const name of names) ip('netns', 'add', name);
    ip('link', 'add', a, 'netns', a, 'type', 'veth', 'peer', 'name', b, 'netns', b);
    names.forEach((name, index) => ip('-n', name, 'addr', 'add', `10.9.0.${index + 1}/24`, 'dev', name));
    ip('netns', 'exec', a, 'true');
  };

  before(function () {
    needsCommand(this, 'ip', 'iproute2');
    try {
      makeHosts();
    } catch {
      pendingBecause(this, 'network namespaces cannot be made here; root can make them outside a chroot');
    }
  });
  beforeEach(() => {
    for (const name of names) ip('-n', name, 'link', 'set', name, 'up');
  });
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    for (const child of children.splice(0)) {
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
  });
  after(() => {
    for (const name of names) {
      try {
        ip('netns', 'del', name);
      } catch {
        // It was never made.
      }
    }
  });

  /** A process on one of the hosts, and what it says. */
  const start = (host: string, ...args: string[]): { readonly child: ChildProcess; readonly said: unknown[] } => {
    const execArgv = ['netns', 'exec', host, process.execPath];
    const child = fork(PROGRAM, args, { execPath: 'ip', execArgv });
    const said: unknown[] = [];
    child.on('message', (message) => said.push(message));
    children.push(child);
    return { child, said };
  };

  const open = async () => {
    const server = start(a, 'listen', 'tcp://10.9.0.1:0');
    await until('the listener', () => server.said.length === 1);
    const client = start(b, 'connect', String(server.said[0]));
    await until('traffic', () => client.said.includes('busy') && server.said.includes('busy'));
    return [server, client] as const;
  };

  it('is lost at both ends when the cable is cut', async () => {
    const ends = await open();
    ip('-n', b, 'link', 'set', b, 'down');
    const lost = { kind: 'lost', message: "the peer's host has acknowledged nothing for 500 ms" };
    await until('both to know', () => ends.every(({ said }) => typeof said.at(-1) === 'object'));
    for (const { said } of ends) expect(said.at(-1)).to.deep.equal(lost);
  });

  it('is kept when the other process is stopped, however long', async () => {
    const [server, client] = await open();
    server.child.kill('SIGSTOP');
    await until('an alarm', () => client.said.includes('a peer is unresponsive'));
    server.child.kill('SIGCONT');
    await until('an answer', () => client.said.includes('a peer answers again'));
    expect(client.said.filter((word) => typeof word === 'object')).to.deep.equal([]);
  });
});
