import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { UnreachableError } from '#src/errors.js';
import { RealScheduler } from '#src/scheduler/index.js';
import { NetTransport } from '#src/transport/net/index.js';
import { rejection } from '../../support/rejection.js';
import { upTo } from '../../support/numbers.js';
import { eventually } from '../../support/until.js';
import { KEY } from '../../transport/handshake/meeting.js';

const LISTENING = fileURLToPath(new URL('./listening-child.js', import.meta.url));
const FILES = 128;

describe('a listener that may open few files', function () {
  this.timeout(180_000);
  let near = new NetTransport({ scheduler: new RealScheduler(), key: KEY });
  const flood: Socket[] = [];
  let child: ChildProcess | undefined;

  beforeEach(() => {
    near = new NetTransport({ scheduler: new RealScheduler(), key: KEY });
  });

  afterEach(async () => {
    for (const socket of flood.splice(0)) socket.destroy();
    await near.close();
    child?.kill('SIGKILL');
  });

  /** A process that listens and may open `FILES` files, and its address. */
  async function listening(): Promise<{ readonly process: ChildProcess; readonly address: string }> {
    const command = ['-c', `ulimit -n ${FILES}; exec "$0" "$@"`, process.execPath, LISTENING, KEY];
    const started = spawn('sh', command, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    child = started;
    const [address] = (await once(started, 'message')) as [string];
    return { process: started, address };
  }

  async function link(address: string): Promise<void> {
    const link = await near.connect(address, { timeoutMs: 20_000 });
    link.setHandlers({ frame: () => {}, writable: () => {}, closed: () => {} });
  }

  it('lets honest peers in, has files left and does not spin, whatever number of connections strangers hold open', async function () {
    if (process.platform !== 'linux') this.skip();
    const { process: far, address } = await listening();
    const port = Number(/:(\d+)#/.exec(address)?.[1]);
    for (const _ of upTo(2_000))
      flood.push(
        connect({ host: '127.0.0.1', port })
          .on('error', () => {})
          .resume(),
      );
    await eventually(() => flood.every((socket) => !socket.connecting));
    for (const _ of upTo(10)) await link(address);
    expect(near.statistics.links).to.equal(10);
    expect(readdirSync(`/proc/${far.pid}/fd`).length).to.be.below(FILES - 16);
    await eventually(async () => {
      far.send('busy?');
      const [busy] = (await once(far, 'message')) as [number];
      return busy < 0.5;
    });
    expect([far.exitCode, far.signalCode]).to.deep.equal([null, null]);
  });

  it('refuses more links than half of its files, and says so', async function () {
    if (process.platform !== 'linux') this.skip();
    const { address } = await listening();
    for (const _ of upTo(FILES / 2)) await link(address);
    const refused = await rejection(link(address));
    expect(refused).to.be.instanceOf(UnreachableError).with.property('message').that.includes('acceptedLinks');
    expect(near.statistics.links).to.equal(FILES / 2);
  });
});
