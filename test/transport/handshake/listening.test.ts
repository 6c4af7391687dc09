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
import { checkSecurity } from '#src/transport/handshake/index.js';
import type { LinkSecurity, ListenOptions } from '#src/transport/index.js';
import { listenAddress } from '#src/socket-address.js';
import { publishSocket, withdrawSocket } from '#src/transport/handshake/socket-file.js';
import { rejection } from '../../support/rejection.js';
import { certificate, clusterAuthority } from '../net/certificates.js';
import { until } from '../../support/until.js';
import { KEY, Meeting } from './meeting.js';

describe('a connection listener', () => {
  let folder: string;
  let meetings: Meeting[];
  const open = async (security: LinkSecurity = {}, options: ListenOptions = {}): Promise<Meeting> => {
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

  it('answers a peer that connects while it is still opening', async () => {
    for (let round = 0; round < 10; round++) {
      const path = join(folder, `early-${round}`);
      const meeting = new Meeting({}, { listen: `unix:${path}` });
      meetings.push(meeting);
      const opening = meeting.open();
      let isOpen = false;
      const opened = opening.then(() => void (isOpen = true));
      const early: Promise<unknown>[] = [];
      while (!isOpen) {
        if (existsSync(path)) early.push(meeting.dial({}, `unix:${path}`));
        await new Promise((resolve) => setImmediate(resolve));
      }
      await opened;
      await Promise.all([...early, meeting.dial()]);
    }
  });

  it('makes a socket file in a folder that only this user can open, and removes both', async () => {
    const meeting = await open({}, { socketFolder: folder });
    const [name = ''] = readdirSync(folder);
    expect(statSync(join(folder, name)).mode & 0o777).to.equal(0o700);
    expect(statSync(join(folder, name, 'link')).mode & 0o777).to.equal(0o600);
    await meeting.listener.close();
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  describe('where the folder for temporary files takes no socket', () => {
    const variables = ['TMPDIR', 'XDG_RUNTIME_DIR'] as const;
    const before = variables.map((name) => [name, process.env[name]] as const);
    afterEach(() => {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    });
    const unusable: Readonly<Record<string, (folder: string) => string>> = {
      'is too long': (folder) => join(folder, 'x'.repeat(100)),
      'has a blank in its path': (folder) => join(folder, 'a folder'),
      'has a # in its path': (folder) => join(folder, 'a#b'),
      'has no sockets': () => '/proc',
      'is a file': () => process.execPath,
      'is missing': (folder) => join(folder, 'nowhere'),
      'is relative': () => 'folder',
    };
    for (const [why, of] of Object.entries(unusable)) {
      it(`because it ${why}, uses another, and says so`, async () => {
        const [temporary, other] = [of(folder), join(folder, 'run')];
        mkdirSync(other);
        if (/long|blank|#/.test(why)) mkdirSync(temporary);
        process.env['TMPDIR'] = temporary;
        process.env['XDG_RUNTIME_DIR'] = other;
        const meeting = await open();
        expect(meeting.address).to.match(new RegExp(`^unix:${other}/millrace-link-`));
        await meeting.dial();
        const said = meeting.log.find(({ message }) => message === 'no socket can be made in a folder');
        expect(said?.fields['folder']).to.equal(temporary);
        await meeting.listener.close();
        expect(readdirSync(other)).to.deep.equal([]);
      });
    }

    it('names the folder and the reason where it may use no other', async () => {
      for (const of of Object.values(unusable)) {
        const socketFolder = of(folder);
        const error = await rejection(open({}, { socketFolder }));
        expect(error).to.be.instanceOf(ConfigError).with.property('message').that.includes(`${socketFolder}: `);
      }
    });

    it('makes a folder that it can use under any umask', async () => {
      const mask = process.umask(0o777);
      try {
        await open({}, { socketFolder: folder });
      } finally {
        process.umask(mask);
      }
      const [name = ''] = readdirSync(folder);
      expect(statSync(join(folder, name)).mode & 0o777).to.equal(0o700);
    });
  });

  it('gives a socket its path only when no other user can connect', async () => {
    const path = join(folder, `${'long'.repeat(Math.floor((100 - folder.length) / 4))}.sock`);
    const mask = process.umask(0);
    const seen: string[] = [];
    const server = createServer();
    try {
      const published = await publishSocket(path, async (staged) => {
        await new Promise<void>((resolve) => server.listen(staged, resolve));
        const [name = ''] = readdirSync(folder);
        seen.push((statSync(join(folder, name)).mode & 0o777).toString(8), String(existsSync(path)));
      });
      expect(seen).to.deep.equal(['700', 'false']);
      expect(statSync(path).mode & 0o777).to.equal(0o600);
      expect(readdirSync(folder)).to.have.length(1);
      await new Promise((resolve) => server.close(resolve));
      await withdrawSocket(published);
      expect(readdirSync(folder)).to.deep.equal([]);
    } finally {
      process.umask(mask);
    }
  });

  it('never replaces the socket of a process that was faster', async () => {
    const path = join(folder, 'link.sock');
    const faster = createServer();
    const slower = createServer();
    const listen = (server: Server, at: string) => new Promise<void>((resolve) => server.listen(at, resolve));
    const work = publishSocket(path, async (staged) => {
      await listen(slower, staged);
      await listen(faster, path);
    });
    expect(await rejection(work))
      .to.be.instanceOf(ConfigError)
      .with.property('message')
      .that.includes('another process');
    await new Promise((resolve) => slower.close(resolve));
    expect(readdirSync(folder)).to.deep.equal(['link.sock']);
    await new Promise((resolve) => faster.close(resolve));
  });

  it('takes the place of a process that was killed', async () => {
    const path = join(folder, 'link.sock');
    await killed(path);
    const meeting = await open({}, { listen: `unix:${path}` });
    expect(statSync(path).mode & 0o777).to.equal(0o600);
    await meeting.dial();
    // The address of the killed process does not reach this one.
    const error = await rejection(meeting.dial({}, `unix:${path}#0123456789abcdef`));
    expect(error)
      .to.be.instanceOf(UnreachableError)
      .with.property('message')
      .that.matches(/exited/);
    await meeting.dial({}, `unix:${path}`);
  });

  it('does not remove a file that is not a socket, or the socket of a process that listens', async () => {
    const path = join(folder, 'link.sock');
    writeFileSync(path, 'precious');
    expect(await rejection(open({}, { listen: `unix:${path}` }))).to.be.instanceOf(ConfigError);
    expect(statSync(path).size).to.equal(8);
    rmSync(path);
    const first = await open({}, { listen: `unix:${path}` });
    expect(await rejection(open({}, { listen: `unix:${path}` }))).to.be.instanceOf(ConfigError);
    await first.dial();
  });

  it('removes the folders of processes that were killed long ago, and no others', async () => {
    const long = new Date(Date.now() - 600_000);
    const staying = ['full', 'recent', 'recent-empty'].map((name) => `millrace-link-${name}`);
    for (const name of ['millrace-link-killed', 'millrace-link-empty', ...staying]) {
      mkdirSync(join(folder, name));
      if (!name.endsWith('empty')) await killed(join(folder, name, 'link'));
      if (name.endsWith('full')) writeFileSync(join(folder, name, 'more'), '');
      if (!name.includes('recent')) utimesSync(join(folder, name), long, long);
    }
    await open({}, { socketFolder: folder });
    const left = (): string[] => readdirSync(folder).filter((name) => /killed|recent|full|empty/.test(name));
    await until('the sweep', () => left().length === staying.length);
    expect(left().sort()).to.deep.equal(staying);
  });

  it('names the address that it could not bind', async () => {
    const taken = await open({ keyless: 'loopback' }, { listen: 'tcp://127.0.0.1:0' });
    const at = taken.address.replace(/#.*/, '');
    expect(await rejection(open({ keyless: 'loopback' }, { listen: at })))
      .to.be.instanceOf(ConfigError)
      .with.property('message')
      .that.includes(at);
    chmodSync(folder, 0o700);
    expect(await rejection(open({}, { listen: `unix:${folder}/none/link` }))).to.be.instanceOf(ConfigError);
    expect(() => new Meeting({}, { listen: 'somewhere' })).to.throw(ConfigError, 'It accepts');
  });

  it('needs an advertised host when it listens on every interface', async () => {
    expect(() => new Meeting({ key: KEY }, { listen: 'tcp://0.0.0.0:0' })).to.throw(ConfigError, 'advertisedHost');
    const meeting = await open({ key: KEY }, { listen: 'tcp://0.0.0.0:0', advertisedHost: 'localhost' });
    expect(meeting.address).to.match(/^tcp:\/\/localhost:\d+#/);
    await meeting.dial();
  });
});

describe('the security of links', () => {
  const check = (address: string, security: LinkSecurity) => () => checkSecurity(listenAddress(address), security);
  const tls = { cert: 'PEM', key: 'PEM' };

  it('is checked before anything starts, with a message that names the option', () => {
    expect(check('unix:', {})).to.not.throw();
    expect(check('unix:', { keyless: 'nowhere' })).to.throw(ConfigError, 'set the cluster key');
    expect(check('tcp://127.0.0.1:1', {})).to.throw(ConfigError, "keyless: 'loopback'");
    expect(check('tcp://127.0.0.1:1', { keyless: 'loopback' })).to.not.throw();
    expect(check('tcp://10.0.0.1:1', { keyless: 'loopback' })).to.throw(
      ConfigError,
      /unauthenticated peers: set the cluster key\.$/,
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

    it('accepts peers with a certificate of the authority', async () => {
      const ca = await clusterAuthority();
      const security = { tls: { ...(await certificate(ca)), ca: ca.cert } };
      meeting = await new Meeting(security, { listen: 'tls://127.0.0.1:0' }).open();
      await meeting.dial();
      await until('the link', () => meeting.accepted.length === 1);
      const own = await certificate();
      const strangers = [{ tls: { ...own, ca: ca.cert } }, { tls: { ...own, ca: own.cert } }];
      for (const stranger of strangers) {
        expect(await rejection(meeting.dial(stranger))).to.be.instanceOf(UnreachableError);
      }
      const plain = await meeting.raw();
      plain.socket.write('GET / HTTP/1.1\r\n\r\n');
      await plain.isRejected();
      expect(meeting.accepted).to.have.length(1);
      // A dialer repeats an attempt that was cut off without an answer.
      await until('all to be counted', () => meeting.listener.rejected >= 3);
    });

    it('accepts peers with the key and any certificate, and rejects a man in the middle', async () => {
      const security = { key: KEY, tls: await certificate() };
      meeting = await new Meeting(security, { listen: 'tls://127.0.0.1:0' }).open();
      await meeting.dial({ key: KEY, tls: await certificate() });
      expect(await rejection(meeting.dial({ key: 'x'.repeat(16), tls: await certificate() }))).to.be.instanceOf(
        UnreachableError,
      );
      const between = await relay(meeting.address);
      const error = await rejection(meeting.dial(security, between.address));
      expect(error)
        .to.be.instanceOf(UnreachableError)
        .with.property('message')
        .that.matches(/different cluster keys/);
      await between.close();
    });
  });
});

/** Terminates TLS with its own certificate, and relays every byte to the real listener. */
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
