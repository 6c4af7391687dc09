import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { NetOptions } from '#src/actors/runtime/net-options.js';
import { externalTransport } from '#src/actors/runtime/external-transport.js';
import { ConfigError, ResourceError } from '#src/errors.js';
import { memoryLogger } from '#src/logging/index.js';
import { Lane } from '#src/protocol/index.js';
import { RealScheduler } from '#src/scheduler/index.js';
import type { Transport } from '#src/transport/index.js';
import { UcxLibrary, UcxTransport } from '#src/transport/ucx/index.js';
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

  const ways = (net: NetOptions, files?: typeof MISSING): Transport => {
    const library = new UcxLibrary({ log, ...(files && { files }) });
    const made = externalTransport({ net: { socketFolder: folder, ...net }, scheduler, log, library });
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
    const near = ways({ ucx: 'off' });
    const far = ways({ ucx: 'off' });
    expect(await taken(near, far)).to.equal('net unix');
    expect(log.records).to.deep.equal([]);
  });

  it('are sockets alone where the shim is not built, and that is said once', async () => {
    const library = new UcxLibrary({ log, files: MISSING });
    const made = [1, 2].map(() => externalTransport({ net: { socketFolder: folder }, scheduler, log, library }));
    transports.push(...made);
    const [near, far] = made;
    if (near === undefined || far === undefined) throw new Error('none made');
    expect(await taken(near, far)).to.equal('net unix');
    const said = log.records.filter(({ level }) => level === 'info');
    expect(said).to.have.length(1);
    expect(said[0]?.message).to.include(MISSING.shim).and.include('apt-get install');
  });

  it('go on with sockets when UCX turns out not to load', async () => {
    const near = ways({}, BROKEN);
    const far = ways({}, BROKEN);
    expect(log.records).to.deep.equal([]);
    expect(await taken(near, far)).to.equal('net unix');
    expect(log.records.filter(({ level }) => level === 'info')).to.have.length(1);
  });

  it('are refused where ucx is required, and not there', () => {
    expect(() => ways({ ucx: 'required' }, MISSING)).to.throw(ResourceError, MISSING.shim);
    expect(() => ways({ ucx: 'required' }, BROKEN)).to.throw(ResourceError, BROKEN.shim);
    expect(() => ways({ ucx: 'required', keyless: 'nowhere' })).to.throw(ConfigError, 'cluster key');
  });

  it('are sockets alone where a socket file is no proof, and there is no key', async () => {
    const tcp = { keyless: 'loopback', listen: 'tcp://127.0.0.1:0' } as const;
    expect(await ways(tcp, MISSING).listen(() => {})).to.match(/^tcp:\S+$/);
    // Nothing would be let in by the sockets beside the rings.
    expect(() => ways({ keyless: 'nowhere' })).to.not.throw();
    expect(log.records.some(({ message }) => message.includes('keyless is "nowhere"'))).to.equal(true);
  });

  describeWithUcx('where UCX is', () => {
    it('are shared memory first', async () => {
      expect(await taken(ways({}), ways({}))).to.equal('ucx posix');
      expect(await taken(ways({ ucx: 'required' }), ways({}))).to.equal('ucx posix');
    });

    it('load UCX for the first link, not for listening', async () => {
      const near = ways({}, BROKEN);
      expect(await near.listen(() => {})).to.match(/^ucx\+unix:\S+ unix:\S+$/);
      expect(log.records).to.deep.equal([]);
    });

    it('are sockets when either end has no UCX', async () => {
      expect(await taken(ways({ ucx: 'off' }), ways({}))).to.equal('net unix');
      expect(await taken(ways({}), ways({ ucx: 'off' }))).to.equal('net unix');
      expect(await taken(ways({}, BROKEN), ways({}))).to.equal('net unix');
      expect(await taken(ways({}), ways({}, BROKEN))).to.equal('net unix');
    });

    it('lead over TCP by UCX where interfaces are trusted', async () => {
      const trusting = { listen: 'tcp://127.0.0.1:0', key: 'a secret of all processes', ucxInterfaces: ['lo'] };
      const near = ways(trusting);
      const address = await ways(trusting).listen((link) => void new Peer(near, link));
      const [shared, tcp = '', sockets] = address.split(' ');
      expect(shared).to.match(/^ucx\+unix:/);
      expect(sockets).to.match(/^tcp:/);
      const client = new Peer(near, await near.connect(tcp, { timeoutMs: 20_000 }));
      expect(client.link.carrier).to.deep.equal({ transport: 'ucx', medium: 'tcp' });
    });

    it('are sockets for whom there is no place in the rings', async () => {
      const far = ways({});
      const address = await far.listen((link) => void new Peer(far, link));
      const shared = address.split(' ')[0] ?? '';
      const hub = new UcxTransport({ scheduler, listen: 'unix:' });
      transports.push(hub);
      for (let count = 0; count < 64; count += 1) new Peer(hub, await hub.connect(shared, { timeoutMs: 20_000 }));
      const near = ways({});
      const late = new Peer(near, await near.connect(address, { timeoutMs: 20_000 }));
      expect(late.link.carrier.transport).to.equal('net');
      await late.send(Lane.data, numbered(1));
      await until('the refusal to be logged', () => log.records.some(({ level }) => level === 'warn'));
    });
  });
});
