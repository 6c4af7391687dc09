import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { RealScheduler } from '#src/scheduler/index.js';
import { NetTransport } from '#src/transport/net/index.js';
import { upTo } from '../../support/numbers.js';
import { eventually } from '../../support/until.js';
import { KEY } from '../../transport/handshake/meeting.js';

const LISTENING = fileURLToPath(new URL('./listening-child.js', import.meta.url));
const FILES = 128;

describe('a listener that may open few files', function () {
  this.timeout(60_000);
  const near = new NetTransport({ scheduler: new RealScheduler(), key: KEY });
  const flood: Socket[] = [];
  let child: ChildProcess | undefined;

  afterEach(async () => {
    for (const socket of flood.splice(0)) socket.destroy();
    await near.close();
    child?.kill('SIGKILL');
  });

  it('lets honest peers in, has files left and does not spin, whatever number of connections strangers hold open', async function () {
    if (process.platform !== 'linux') this.skip();
    const command = ['-c', `ulimit -n ${FILES}; exec "$0" "$@"`, process.execPath, LISTENING, KEY];
    const listening = spawn('sh', command, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    child = listening;
    const [address] = (await once(listening, 'message')) as [string];
    const port = Number(/:(\d+)#/.exec(address)?.[1]);
    for (const _ of upTo(2_000))
      flood.push(
        connect({ host: '127.0.0.1', port })
          .on('error', () => {})
          .resume(),
      );
    await eventually(() => flood.every((socket) => !socket.connecting));
    for (const _ of upTo(10)) {
      const link = await near.connect(address, { timeoutMs: 20_000 });
      link.setHandlers({ frame: () => {}, writable: () => {}, closed: () => {} });
    }
    expect(near.statistics.links).to.equal(10);
    expect(readdirSync(`/proc/${listening.pid}/fd`).length).to.be.below(FILES - 16);
    await eventually(async () => {
      listening.send('busy?');
      const [busy] = (await once(listening, 'message')) as [number];
      return busy < 0.5;
    });
    expect([listening.exitCode, listening.signalCode]).to.deep.equal([null, null]);
  });
});
