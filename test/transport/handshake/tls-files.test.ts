import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { UnreachableError } from '#src/errors.js';
import { type LogRecord, memoryLogger } from '#src/logging/index.js';
import { RealScheduler } from '#src/scheduler/index.js';
import {
  ConnectionManager,
  type PeerConnection,
  readTlsFiles,
  socketProtocol,
} from '#src/transport/handshake/index.js';
import type { TlsFiles } from '#src/transport/index.js';
import { eventually } from '../../support/until.js';
import { rejection } from '../../support/rejection.js';
import { type Certificate, certificate, newAuthority } from '../net/certificates.js';
import { hello } from './meeting.js';

describe('certificates that are replaced while a process runs', function () {
  this.timeout(30_000);
  let folder: string;
  let records: LogRecord[];
  let managers: ConnectionManager[];
  let connections: PeerConnection[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-test-'));
    managers = [];
    connections = [];
  });
  afterEach(async () => {
    for (const { stream } of connections) stream.destroy();
    for (const manager of managers) await manager.close();
    rmSync(folder, { recursive: true });
  });

  const filesOf = (name: string): TlsFiles => ({
    tlsCertFile: join(folder, `${name}.cert`),
    tlsKeyFile: join(folder, `${name}.key`),
    tlsCaFile: join(folder, `${name}.ca`),
    keyFileReaders: 'owner',
  });

  function write(name: string, { cert, key }: Certificate, ...authorities: readonly Certificate[]): TlsFiles {
    const files = filesOf(name);
    writeFileSync(files.tlsCertFile, cert);
    writeFileSync(files.tlsKeyFile, key, { mode: 0o600 });
    writeFileSync(files.tlsCaFile, authorities.map((each) => each.cert).join('\n'));
    return files;
  }

  function managerOf(files: TlsFiles): ConnectionManager {
    const log = memoryLogger();
    records = log.records;
    const tls = readTlsFiles(files);
    const options = { scheduler: new RealScheduler(), log, listen: 'tls://127.0.0.1:0', ...(tls && { tls }) };
    const manager = new ConnectionManager('net', socketProtocol, options);
    managers.push(manager);
    return manager;
  }

  const listen = (manager: ConnectionManager): Promise<string> =>
    manager.listen(
      () => hello('server'),
      (connection) => void connections.push(connection),
    );

  async function dial(manager: ConnectionManager, address: string): Promise<void> {
    connections.push(await manager.dial(address, () => hello('client'), { timeoutMs: 5_000 }));
  }

  const canDial = (manager: ConnectionManager, address: string) => async (): Promise<boolean> =>
    dial(manager, address).then(
      () => true,
      () => false,
    );

  it('are those of the next connection, at the listener and at the dialer: a cluster changes its authority', async () => {
    const [old, next] = [await newAuthority(), await newAuthority()];
    const server = managerOf(write('server', await certificate(old), old));
    const address = await listen(server);
    const client = managerOf(write('client', await certificate(old), old));
    await dial(client, address);
    const stranger = managerOf(write('stranger', await certificate(next), next));
    await rejection(dial(stranger, address));
    // Both trust both, then they have the new certificates, then they trust the new authority alone.
    writeFileSync(filesOf('server').tlsCaFile, `${old.cert}\n${next.cert}`);
    writeFileSync(filesOf('client').tlsCaFile, `${old.cert}\n${next.cert}`);
    write('server', await certificate(next), old, next);
    await eventually(canDial(stranger, address));
    // It looks at its own files twice a second.
    await eventually(canDial(client, address));
    write('server', await certificate(next), next);
    await eventually(async () => !(await canDial(client, address)()));
    write('client', await certificate(next), next);
    await eventually(canDial(client, address));
  });

  it('stay what they were while the files do not fit together, and a warning says so', async () => {
    const ca = await newAuthority();
    const server = managerOf(write('server', await certificate(ca), ca));
    const ofServer = records;
    const address = await listen(server);
    const client = managerOf(write('client', await certificate(ca), ca));
    writeFileSync(filesOf('server').tlsCertFile, (await certificate(ca)).cert);
    await eventually(async () => {
      await dial(client, address);
      return ofServer.some(({ message }) => message.includes('cannot be used: the last ones stay'));
    });
    await dial(client, address);
  });

  it('of a peer are refused with an error that says whose they are, and what to do', async () => {
    const [ca, other] = [await newAuthority(), await newAuthority()];
    const server = managerOf(write('server', await certificate(ca), ca));
    const address = await listen(server);
    const refused = await rejection(dial(managerOf(write('one', await certificate(ca), other)), address));
    expect(refused)
      .to.be.instanceOf(UnreachableError)
      .with.property('message')
      .that.matches(/the certificate of 127\.0\.0\.1 is refused: .*one\.ca/);
    const refuses = await rejection(dial(managerOf(write('two', await certificate(other), ca)), address));
    expect(refuses)
      .to.be.instanceOf(UnreachableError)
      .with.property('message')
      .that.matches(/127\.0\.0\.1 has closed the connection.*two\.cert/);
  });
});
