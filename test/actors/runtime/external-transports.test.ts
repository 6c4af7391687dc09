import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { NetOptions } from '#src/actors/runtime/net-options.js';
import { ExternalTransports } from '#src/actors/runtime/external-transports.js';
import { ConfigError, ResourceError } from '#src/errors.js';
import { memoryLogger } from '#src/logging/index.js';
import { Lane } from '#src/protocol/index.js';
import { RealScheduler } from '#src/scheduler/index.js';
import type { OpenKind, Transport, TransportKind } from '#src/transport/index.js';
import { netKind } from '#src/transport/net/index.js';
import { ucxKind, UcxTransport } from '#src/transport/ucx/index.js';
import { numbered, openPair, Peer } from '../../transport/compliance/peer.js';
import { describeWithUcx } from '../../transport/ucx/available.js';
import { until } from '../../support/until.js';

const MISSING = { shim: '/nowhere/millrace-ucx.so' };
/** There, but no library. */
const BROKEN = { shim: 'package.json' };

describe('the external transport of a partition', () => {
  const scheduler = new RealScheduler();
  let folder: string;
  let transports: Transport[];
  let log: ReturnType<typeof memoryLogger>;

  const open = (net: NetOptions, files?: typeof MISSING): Promise<ExternalTransports> =>
    ExternalTransports.open({
      net: { socketFolder: folder, ...net },
      scheduler,
      log,
      ...(files && { kinds: [ucxKind(files), netKind] }),
    });
  const ways = async (net: NetOptions, files?: typeof MISSING): Promise<Transport> => {
    const made = (await open(net, files)).transport(0);
    transports.push(made);
    return made;
  };
  /** What carries the link between them. */
  const taken = async (near: Transport, far: Transport): Promise<string> => {
    const pair = [near, far];
    const create = async (): Promise<Transport> => pair.shift() ?? near;
    const { client, server } = await openPair({ create });
    await client.send(Lane.data, numbered(1));
    await server.receives(1);
    await server.send(Lane.control, numbered(2));
    await client.receives(1);
    client.link.close();
    await server.end();
    expect(server.link.carrier).to.deep.equal(client.link.carrier);
    return Object.values(client.link.carrier).join(' ');
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-test-'));
    transports = [];
    log = memoryLogger();
  });

  afterEach(async () => {
    await Promise.all(transports.map((transport) => transport.close()));
    expect(scheduler.pendingTimers).to.equal(0);
    expect(readdirSync(folder)).to.deep.equal([]);
    rmSync(folder, { recursive: true });
  });

  it('are sockets alone where ucx is off', async () => {
    const near = await ways({ ucx: 'off' });
    const far = await ways({ ucx: 'off' });
    expect(await taken(near, far)).to.equal('net unix');
    expect(log.records).to.deep.equal([]);
  });

  it('are sockets alone where the shim is not built, and that is said once', async () => {
    const external = await open({}, MISSING);
    const [near, far] = [external.transport(0), external.transport(1)];
    transports.push(near, far);
    expect(await taken(near, far)).to.equal('net unix');
    const said = log.records.filter(({ level }) => level === 'info');
    expect(said).to.have.length(1);
    expect(said[0]?.message).to.include(MISSING.shim).and.include('apt-get install');
  });

  it('go on with sockets when UCX turns out not to load', async () => {
    const near = await ways({}, BROKEN);
    const far = await ways({}, BROKEN);
    expect(log.records).to.deep.equal([]);
    expect(await taken(near, far)).to.equal('net unix');
    expect(log.records.filter(({ level }) => level === 'info')).to.have.length(1);
  });

  it('are refused where ucx is required, and not there', async () => {
    const failure = (opening: Promise<unknown>): Promise<unknown> =>
      opening.then(
        () => undefined,
        (error: unknown) => error,
      );
    for (const files of [MISSING, BROKEN]) {
      const error = await failure(open({ ucx: 'required' }, files));
      expect(error).to.be.instanceOf(ResourceError).with.property('message').that.includes(files.shim);
    }
    const error = await failure(open({ ucx: 'required', keyless: 'nowhere' }));
    expect(error).to.be.instanceOf(ConfigError).with.property('message').that.includes('cluster key');
  });

  it('are sockets alone where a socket file is no proof, and there is no key', async () => {
    const tcp = { keyless: 'loopback', listen: 'tcp://127.0.0.1:0' } as const;
    expect(await (await ways(tcp, MISSING)).listen(() => {})).to.match(/^tcp:\S+$/);
    // Nothing would be let in by the sockets beside the rings.
    await ways({ keyless: 'nowhere' });
    expect(log.records.some(({ message }) => message.includes('keyless is "nowhere"'))).to.equal(true);
  });

  describeWithUcx('where UCX is', () => {
    it('are shared memory first', async () => {
      expect(await taken(await ways({}), await ways({}))).to.equal('ucx posix');
      expect(await taken(await ways({ ucx: 'required' }), await ways({}))).to.equal('ucx posix');
    });

    it('load UCX for the first link, not for listening', async () => {
      const near = await ways({}, BROKEN);
      expect(await near.listen(() => {})).to.match(/^ucx\+unix:\S+ unix:\S+$/);
      expect(log.records).to.deep.equal([]);
    });

    it('are sockets when either end has no UCX', async () => {
      expect(await taken(await ways({ ucx: 'off' }), await ways({}))).to.equal('net unix');
      expect(await taken(await ways({}), await ways({ ucx: 'off' }))).to.equal('net unix');
      expect(await taken(await ways({}, BROKEN), await ways({}))).to.equal('net unix');
      expect(await taken(await ways({}), await ways({}, BROKEN))).to.equal('net unix');
    });

    it('lead over TCP by UCX where interfaces are trusted', async () => {
      const trusting = { listen: 'tcp://127.0.0.1:0', key: 'a secret of all processes', ucxInterfaces: ['lo'] };
      const near = await ways(trusting);
      const address = await (await ways(trusting)).listen((link) => void new Peer(near, link));
      const [shared, tcp = '', sockets] = address.split(' ');
      expect(shared).to.match(/^ucx\+unix:/);
      expect(sockets).to.match(/^tcp:/);
      const client = new Peer(near, await near.connect(tcp, { timeoutMs: 20_000 }));
      expect(client.link.carrier).to.deep.equal({ transport: 'ucx', medium: 'tcp' });
    });

    it('are sockets for whom there is no place in the rings', async () => {
      const far = await ways({});
      const address = await far.listen((link) => void new Peer(far, link));
      const shared = address.split(' ')[0] ?? '';
      const hub = new UcxTransport({ scheduler, listen: 'unix:' });
      transports.push(hub);
      for (let count = 0; count < 64; count += 1) new Peer(hub, await hub.connect(shared, { timeoutMs: 20_000 }));
      const near = await ways({});
      const late = new Peer(near, await near.connect(address, { timeoutMs: 20_000 }));
      expect(late.link.carrier.transport).to.equal('net');
      await late.send(Lane.data, numbered(1));
      await until('the refusal to be logged', () => log.records.some(({ level }) => level === 'warn'));
    });
  });
});

describe('the transports that a thread has opened', () => {
  const settings = { scheduler: new RealScheduler(), log: memoryLogger() };
  const kind = (name: string, open: Partial<OpenKind>): TransportKind => ({
    name,
    schemes: [`${name}:`],
    open: async () => ({ layers: () => [], ...open }),
  });
  const library = (isThere: boolean) => ({ isInstalled: () => true, isLoaded: () => isThere });

  it('are all kinds but those that the process has found not to be usable', async () => {
    const opened: string[] = [];
    const noting = (name: string): TransportKind => ({
      ...kind(name, {}),
      open: async ({ links, linkDeadMs }) => {
        opened.push(`${name} ${links.listen} ${linkDeadMs}`);
        return { layers: () => [] };
      },
    });
    const kinds = ['near', 'broken', 'far'].map(noting);
    await ExternalTransports.open({ ...settings, net: { listen: 'unix:' }, linkDeadMs: 7, kinds, without: ['broken'] });
    expect(opened).to.deep.equal(['near unix: 7', 'far unix: 7']);
  });

  it('say which of them have a library that does not load', async () => {
    const kinds = [kind('a', { library: library(true) }), kind('b', { library: library(false) }), kind('c', {})];
    const external = await ExternalTransports.open({ ...settings, net: {}, kinds });
    expect(external.unusable()).to.deep.equal(['b']);
    expect(external.libraries).to.have.length(2);
  });

  it('end what a partition has left, each of them at its own addresses', async () => {
    const swept: unknown[] = [];
    const noting = (name: string): TransportKind =>
      kind(name, {
        silence: (threadId) => swept.push([name, 'silence', threadId]),
        sweep: async (addresses, threadId) => void swept.push([name, addresses, threadId]),
        abandon: (addresses) => swept.push([name, addresses]),
      });
    const kinds = [noting('a'), noting('ab'), kind('c', {})];
    const external = await ExternalTransports.open({ ...settings, net: {}, kinds });
    external.silence(3);
    await external.sweep('a:/x ab:/y a:/z c:/w', 3);
    external.abandon('ab:/y');
    expect(swept).to.deep.equal([
      ['a', 'silence', 3],
      ['ab', 'silence', 3],
      ['a', ['a:/x', 'a:/z'], 3],
      ['ab', ['ab:/y'], 3],
      ['a', []],
      ['ab', ['ab:/y']],
    ]);
  });

  it('give partitions after the first any free port, and each kind what it is to listen at', async () => {
    const heard: string[] = [];
    const layers: OpenKind['layers'] = (listen) => {
      heard.push(listen);
      return [];
    };
    const net = { listen: 'tcp://127.0.0.1:7000' };
    const external = await ExternalTransports.open({ ...settings, net, kinds: [kind('a', { layers })] });
    external.transport(0);
    external.transport(1);
    expect(heard).to.deep.equal(['tcp://127.0.0.1:7000', 'tcp://127.0.0.1:0']);
  });
});
