import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ConfigError, UnreachableError } from '#src/errors.js';
import { checkSecurity } from '#src/transport/companion/index.js';
import type { LinkSecurity, ListenOptions } from '#src/transport/index.js';
import { listenAddress } from '#src/transport/companion/address.js';
import { until } from '../../scheduler/until.js';
import { rejectionOf } from '../compliance/rejection.js';
import { certificate, clusterAuthority } from '../net/certificates.js';
import { KEY, Meeting } from './meeting.js';

describe('a listener for companion sockets', () => {
  let folder: string;
  let meetings: Meeting[];
  const open = async (security: LinkSecurity, options: ListenOptions): Promise<Meeting> => {
    const meeting = new Meeting(security, options);
    meetings.push(meeting);
    return meeting.open();
  };

  beforeEach(() => {
    meetings = [];
    folder = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  });
  afterEach(async () => {
    for (const meeting of meetings) await meeting.end();
    rmSync(folder, { recursive: true });
  });

  /** A socket file whose process was killed. */
  const killed = async (path: string): Promise<void> => {
    const server: Server = createServer();
    await new Promise<void>((resolve) => server.listen(`${path}.mine`, resolve));
    const { renameSync } = await import('node:fs');
    renameSync(`${path}.mine`, path);
    await new Promise((resolve) => server.close(resolve));
    expect(existsSync(path)).to.equal(true);
  };

  it('has a socket file in a folder that only this user can open, and leaves none', async () => {
    const meeting = await open({}, { socketFolder: folder });
    const [name = ''] = readdirSync(folder);
    expect(statSync(join(folder, name)).mode & 0o777).to.equal(0o700);
    expect(statSync(join(folder, name, 'link')).mode & 0o777).to.equal(0o600);
    await meeting.listener.close();
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it('takes the place of a process that was killed', async () => {
    const path = join(folder, 'link.sock');
    await killed(path);
    const meeting = await open({}, { listen: `unix:${path}` });
    expect(statSync(path).mode & 0o777).to.equal(0o600);
    await meeting.dial();
    // Whoever knew the other process does not reach this one instead.
    const error = await rejectionOf(meeting.dial({}, `unix:${path}#0123456789abcdef`));
    expect(error).to.be.instanceOf(UnreachableError).with.property('message').that.matches(/gone/);
    await meeting.dial({}, `unix:${path}`);
  });

  it('leaves a file alone that is no socket, and a socket that somebody listens at', async () => {
    const path = join(folder, 'link.sock');
    writeFileSync(path, 'precious');
    expect(await rejectionOf(open({}, { listen: `unix:${path}` }))).to.be.instanceOf(ConfigError);
    expect(statSync(path).size).to.equal(8);
    rmSync(path);
    const first = await open({}, { listen: `unix:${path}` });
    expect(await rejectionOf(open({}, { listen: `unix:${path}` }))).to.be.instanceOf(ConfigError);
    await first.dial();
  });

  it('sweeps the folders of processes that were killed long ago, and no others', async () => {
    const long = new Date(Date.now() - 600_000);
    for (const name of ['millrace-link-killed', 'millrace-link-recent', 'millrace-link-full', 'millrace-link-empty']) {
      mkdirSync(join(folder, name));
      if (!name.endsWith('empty')) await killed(join(folder, name, 'link'));
      if (name.endsWith('full')) writeFileSync(join(folder, name, 'more'), '');
      if (!name.endsWith('recent')) utimesSync(join(folder, name), long, long);
    }
    await open({}, { socketFolder: folder });
    await until('the sweep', () => !existsSync(join(folder, 'millrace-link-killed')));
    const left = readdirSync(folder).filter((name) => /recent|full|empty/.test(name));
    expect(left.sort()).to.deep.equal(['millrace-link-empty', 'millrace-link-full', 'millrace-link-recent']);
  });

  it('says which address it could not have', async () => {
    const taken = await open({ keyless: 'loopback' }, { listen: 'tcp://127.0.0.1:0' });
    const at = taken.address.replace(/#.*/, '');
    expect(await rejectionOf(open({ keyless: 'loopback' }, { listen: at })))
      .to.be.instanceOf(ConfigError)
      .with.property('message')
      .that.includes(at);
    chmodSync(folder, 0o700);
    expect(await rejectionOf(open({}, { listen: `unix:${folder}/none/link` }))).to.be.instanceOf(ConfigError);
    expect(() => new Meeting({}, { listen: 'somewhere' })).to.throw(ConfigError, 'Accepted');
  });

  it('needs a name for others when it listens on every interface', async () => {
    expect(() => new Meeting({ key: KEY }, { listen: 'tcp://0.0.0.0:0' })).to.throw(ConfigError, 'advertisedHost');
    const meeting = await open({ key: KEY }, { listen: 'tcp://0.0.0.0:0', advertisedHost: 'localhost' });
    expect(meeting.address).to.match(/^tcp:\/\/localhost:\d+#/);
    await meeting.dial();
  });
});

describe('who may link', () => {
  const check = (address: string, security: LinkSecurity) => () => checkSecurity(listenAddress(address), security);
  const tls = { cert: 'PEM', key: 'PEM' };

  it('is told before anything starts, and how to say so', () => {
    expect(check('unix:', {})).to.not.throw();
    expect(check('unix:', { keyless: 'nowhere' })).to.throw(ConfigError, 'set the cluster key');
    expect(check('tcp://127.0.0.1:1', {})).to.throw(ConfigError, "keyless: 'loopback'");
    expect(check('tcp://127.0.0.1:1', { keyless: 'loopback' })).to.not.throw();
    expect(check('tcp://10.0.0.1:1', { keyless: 'loopback' })).to.throw(
      ConfigError,
      /strangers: set the cluster key\.$/,
    );
    expect(check('tcp://10.0.0.1:1', { key: KEY })).to.not.throw();
    expect(check('tcp://10.0.0.1:1', { key: 'short' })).to.throw(ConfigError, '5 bytes');
    expect(check('tls://10.0.0.1:1', {})).to.throw(ConfigError, 'tls.cert');
    expect(check('tls://10.0.0.1:1', { tls })).to.throw(ConfigError, 'tls.ca');
    expect(check('tls://10.0.0.1:1', { tls, key: KEY })).to.not.throw();
    expect(check('tls://10.0.0.1:1', { tls: { ...tls, ca: 'PEM' } })).to.not.throw();
  });

  describe('over TLS', () => {
    let meeting: Meeting;
    afterEach(async () => meeting.end());

    it('are those with a certificate of the authority', async () => {
      const ca = await clusterAuthority();
      const security = { tls: { ...(await certificate(ca)), ca: ca.cert } };
      meeting = await new Meeting(security, { listen: 'tls://127.0.0.1:0' }).open();
      await meeting.dial();
      await until('the link', () => meeting.accepted.length === 1);
      const own = await certificate();
      const strangers = [{ tls: { ...own, ca: ca.cert } }, { tls: { ...own, ca: own.cert } }];
      for (const stranger of strangers) {
        expect(await rejectionOf(meeting.dial(stranger))).to.be.instanceOf(UnreachableError);
      }
      const plain = await meeting.raw();
      plain.socket.write('GET / HTTP/1.1\r\n\r\n');
      await plain.isTurnedAway();
      expect(meeting.accepted).to.have.length(1);
      await until('all to be counted', () => meeting.listener.refused === 3);
    });

    it('are those with the key, whatever their certificates, and nobody in between', async () => {
      const security = { key: KEY, tls: await certificate() };
      meeting = await new Meeting(security, { listen: 'tls://127.0.0.1:0' }).open();
      await meeting.dial({ key: KEY, tls: await certificate() });
      expect(await rejectionOf(meeting.dial({ key: 'x'.repeat(16), tls: await certificate() }))).to.be.instanceOf(
        UnreachableError,
      );
      const between = await relay(meeting.address);
      const error = await rejectionOf(meeting.dial(security, between.address));
      expect(error)
        .to.be.instanceOf(UnreachableError)
        .with.property('message')
        .that.matches(/different cluster keys/);
      await between.close();
    });
  });
});

/** Ends TLS with a certificate of its own, and carries every byte on to the real listener. */
async function relay(address: string): Promise<{ readonly address: string; close(): Promise<void> }> {
  const tls = await import('node:tls');
  const real = Number(/:(\d+)#/.exec(address)?.[1]);
  const server = tls.createServer(await certificate(), (near) => {
    const far = tls.connect({ host: '127.0.0.1', port: real, rejectUnauthorized: false });
    near.on('error', () => far.destroy()).on('close', () => far.destroy());
    far.on('error', () => near.destroy()).on('close', () => near.destroy());
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('no port');
  return {
    address: address.replace(/:\d+#/, `:${bound.port}#`),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
