import { expect } from 'chai';
import fc from 'fast-check';
import { ConfigError, UnreachableError } from '#src/errors.js';
import { Lane } from '#src/protocol/index.js';
import { RealScheduler } from '#src/scheduler/index.js';
import { MemoryNetwork } from '#src/transport/memory/index.js';
import { NetTransport } from '#src/transport/net/index.js';
import { StackTransport } from '#src/transport/stack/index.js';
import { formatAlternatives, parseAlternatives } from '#src/transport/stack/alternatives.js';
import { until } from '../support/until.js';
import { numbered, openPair, Peer } from './compliance/peer.js';
import { rejection } from '../support/rejection.js';

describe('a stack of transports', () => {
  const scheduler = new RealScheduler();
  const network = new MemoryNetwork({ scheduler });
  const stacks: StackTransport[] = [];
  let processes = 0;

  /** A process of a program. */
  const stack = (program: string, { isNetOnly = false, key = '' } = {}): StackTransport => {
    processes += 1;
    const memory = network.transport({ node: 'node-0', process: `process-${processes}` });
    const net = new NetTransport({ scheduler, ...(key && { key }) });
    const local = { transport: memory, schemes: ['memory:'], isLocal: true };
    const external = { transport: net, schemes: ['unix:', 'tcp:', 'tls:'] };
    const made = new StackTransport({ scheduler, program, layers: isNetOnly ? [external] : [local, external] });
    stacks.push(made);
    return made;
  };

  afterEach(async () => {
    await Promise.all(stacks.splice(0).map((each) => each.close()));
    expect(scheduler.pendingTimers).to.equal(0);
  });

  for (const [program, scheme] of [
    ['one', 'memory:'],
    ['other', 'unix:'],
  ] as const) {
    it(`takes ${scheme} to a process of ${program === 'one' ? 'the same' : 'another'} program`, async () => {
      const programs = ['one', program];
      const create = async (): Promise<StackTransport> => stack(programs.shift() ?? '');
      const { client, server } = await openPair({ create });
      expect(client.link.peerAddress.slice(0, scheme.length)).to.equal(scheme);
      await client.send(Lane.data, numbered(1));
      await server.receives(1);
      await server.send(Lane.control, numbered(2));
      await client.receives(1);
      client.link.close();
      await server.end();
    });
  }

  it('tries the next address when the nearest fails', async () => {
    const far = stack('one', { isNetOnly: true });
    const accepted: Peer[] = [];
    const address = await far.listen((link) => accepted.push(new Peer(far, link)));
    const near = stack('one');
    const both = `local:one!memory://node-0/nobody/0 ${address}`;
    const client = new Peer(near, await near.connect(both, { timeoutMs: 30_000 }));
    await until('the link', () => accepted.length === 1);
    expect(client.link.peerAddress).to.equal(address);
  });

  it('says what failed when no address works', async () => {
    const near = stack('one');
    for (const address of ['nonsense', 'local:other!memory://node-0/process-1/0', 'local:one!unix:/tmp/x', '', '   ']) {
      expect(await rejection(near.connect(address, { timeoutMs: 1_000 })), address)
        .to.be.instanceOf(UnreachableError)
        .with.property('message')
        .that.includes('no transport of this process accepts that address');
    }
    expect(await rejection(near.connect('tcp://10.0.0.1:1', { timeoutMs: 1_000 }))).to.be.instanceOf(ConfigError);
    expect(await rejection(near.connect('unix:/tmp/nobody#1', { timeoutMs: 1_000 })))
      .to.be.instanceOf(UnreachableError)
      .with.property('message')
      .that.includes('nothing listens');
  });

  it('reads addresses as it wrote them', () => {
    const address = fc.stringMatching(/^(unix|tcp):[\w/:.#]{1,40}$/);
    const program = fc.option(fc.stringMatching(/^[\da-f]{1,16}$/), { nil: undefined });
    fc.assert(
      fc.property(fc.array(fc.record({ address, program }), { minLength: 1 }), (alternatives) => {
        expect(parseAlternatives(formatAlternatives(alternatives))).to.deep.equal(alternatives);
      }),
    );
  });
});
