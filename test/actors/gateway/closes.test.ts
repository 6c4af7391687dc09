import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { ConfigError, Refusal, RefusedError, UnreachableError } from '#src/errors.js';
import { CLOSES } from '#src/protocol/client-wire/index.js';
import { pause } from '#src/scheduler/index.js';
import type { VirtualCluster } from '#src/testing/index.js';
import { upTo } from '../../support/numbers.js';
import { rejection } from '../../support/rejection.js';
import { MemoryGateway } from './memory-pair.js';
import { VirtualWorld } from './virtual-world.js';

describe('what a gateway says when it closes a connection', () => {
  let world: VirtualWorld;
  let cluster: VirtualCluster;

  beforeEach(async () => {
    world = await VirtualWorld.start();
    ({ cluster } = world);
  });
  afterEach(() => world.stop());

  it('ends no client with a good token: many that come at once all get in', async () => {
    world.gateway = new MemoryGateway(cluster.runtimes[0], {
      authenticate: async () => {
        await pause(cluster.scheduler, 30);
        return { subject: 'page' };
      },
      limits: { unauthenticated: 8 },
    });
    const clients = await Promise.all(upTo(40).map(() => world.connect({ timeoutMs: 60_000 })));
    expect(clients.map(({ state }) => state)).to.deep.equal(upTo(40).map(() => 'open'));
    const busy = world.gateway.sockets.filter(({ end }) => end?.code === CLOSES.busy.code);
    expect(busy).to.not.be.empty;
  });

  it('ends no client while nobody can say who it is: it comes again, and gets in', async () => {
    const failures: (() => Promise<never>)[] = [
      () => Promise.reject(new Error('the login server is away')),
      () => pause(cluster.scheduler, 20_000).then(() => Promise.reject(new Error('late'))),
      () => Promise.reject(new ConfigError('wrong')),
    ];
    world.gateway = new MemoryGateway(cluster.runtimes[0], {
      authenticate: () => failures.shift()?.() ?? { subject: 'page' },
    });
    const client = await world.connect({ timeoutMs: 60_000 });
    expect(client.state).to.equal('open');
    const ends = world.gateway.sockets.map(({ end }) => end);
    expect(ends.map((end) => end?.code)).to.deep.equal([4503, 4503, 4503, undefined]);
    expect(ends[0]?.reason).to.equal('the token could not be checked');
    expect(world.gateway.refusals.join()).to.include('the login server is away');
    await cluster.pass(20_000);
  });

  it('is no word of a token that its function did not give: the error says why', async () => {
    const cause = new Error('login is down');
    const error = await rejection(world.connect({ token: () => Promise.reject(cause), timeoutMs: 1_000 }));
    expect(error).to.be.instanceOf(UnreachableError).with.property('message').that.includes('login is down');
    expect(error).to.have.nested.property('cause.cause', cause);
  });

  it('says nothing to the stranger of why its token is refused, and all to the log', async () => {
    world.gateway = new MemoryGateway(cluster.runtimes[0], {
      authenticate: () => {
        throw new Refusal('UNAUTHENTICATED', 'its issuer is another one');
      },
    });
    const error = await rejection(world.connect());
    expect(error).to.be.instanceOf(RefusedError).with.property('message').that.does.not.include('issuer');
    expect(world.gateway.refusals.join()).to.include('its issuer is another one');
    expect(error).to.not.be.instanceOf(UnreachableError);
  });

  it('is in the docs as it is in the code', () => {
    const docs = readFileSync('docs/wire.md', 'utf8');
    const rows = [...docs.matchAll(/^\| (\d{4}) \| [^|]+ \| (yes|no) \|$/gm)].map(([, code, final]) => [
      Number(code),
      final === 'yes',
    ]);
    const own = Object.values(CLOSES).map(({ code, isFinal }) => [code, isFinal]);
    // 1009 is said by WebSockets themselves.
    expect(rows.filter(([code]) => code !== 1009)).to.deep.equal(own);
  });
});
