import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { limits } from '#src/limits.js';
import { openFilesLimit } from '#src/transport/handshake/open-files.js';
import { KEY, Meeting, PatientScheduler } from '../../transport/handshake/meeting.js';
import { upTo } from '../../support/numbers.js';
import { eventually, until } from '../../support/until.js';
import { certificate } from '../../transport/net/certificates.js';
import { SlowNetwork } from './slow-network.js';

const FLOODING = fileURLToPath(new URL('./flooding-child.js', import.meta.url));
const MOST_UNPROVEN = Math.min(limits.unprovenConnections, Math.floor(openFilesLimit() / 4));
/** Connections that are opened before the test waits until they are there. */
const WAVE = 100;
const GARBAGE = 'GET / HTTP/1.1\r\n\r\n';

describe('a listener that is flooded with connections', function () {
  this.timeout(300_000);
  let meeting: Meeting;
  let network: SlowNetwork | undefined;
  const flood: Socket[] = [];
  const children: ChildProcess[] = [];

  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    for (const socket of flood.splice(0)) socket.destroy();
    network?.close();
    network = undefined;
    await meeting.end();
  });

  describe('before the handshake of an honest peer is over', () => {
    const held: (() => void)[] = [];
    let isReleased = false;

    beforeEach(async () => {
      held.length = 0;
      isReleased = false;
      meeting = await new Meeting({ key: KEY }, { listen: 'tcp://127.0.0.1:0' }, new PatientScheduler()).open();
    });

    for (const [name, bytes] of [
      ['silent connections', ''],
      ['garbage', GARBAGE],
    ] as const) {
      it(`finishes it, when the peer has proven the key, whatever comes of ${name}`, async () => {
        const joining = dialHolding('listener');
        await until('the challenge to be on its way', () => held.length > 0);
        await floodWith(bytes, '127.0.0.1');
        release();
        await joining;
        expect(meeting.accepted).to.have.length(1);
        expect(meeting.listener.handshakes).to.be.at.most(MOST_UNPROVEN);
      });
    }

    it('finishes it, when nothing of the peer has arrived yet, and the flood comes from another host', async () => {
      const joining = dialHolding('client');
      await until('the opening to be on its way', () => held.length > 0);
      await floodWith('', '127.0.0.2');
      release();
      await joining;
      expect(meeting.accepted).to.have.length(1);
    });

    /** Dials over a network that keeps what this end sends. */
    async function dialHolding(end: 'client' | 'listener'): Promise<void> {
      network = await SlowNetwork.before(meeting.address, (from, deliver) => {
        if (from === end && !isReleased) held.push(deliver);
        else deliver();
      });
      await meeting.dial({ key: KEY }, network.address);
    }

    function release(): void {
      isReleased = true;
      for (const deliver of held.splice(0)) deliver();
    }

    /** Opens more connections than the listener keeps, and waits until the others were rejected. */
    async function floodWith(bytes: string, localAddress: string): Promise<void> {
      const port = Number(/:(\d+)#/.exec(meeting.address)?.[1]);
      for (let opened = 0; opened < MOST_UNPROVEN + 500; opened += WAVE) {
        const wave = upTo(WAVE).map(() => {
          const socket = connect({ host: '127.0.0.1', port, localAddress }).on('error', () => {});
          if (bytes !== '') socket.write(bytes);
          return socket.resume();
        });
        flood.push(...wave);
        await eventually(() => wave.every((socket) => !socket.connecting));
      }
      await eventually(() => meeting.listener.rejected >= 500);
    }
  });

  /** Connections a second. */
  const RATE = 3_000;
  const tcp = { listen: 'tcp://127.0.0.1:0' };
  for (const [name, listen, bytes, localAddress, roundTripMs, peers] of [
    ['silent connections over TCP', tcp, '', '127.0.0.1', 100, 4],
    ['silent connections over TCP', tcp, '', '127.0.0.1', 500, 3],
    ['silent connections of another host', tcp, '', '127.0.0.2', 100, 4],
    ['garbage over TCP', tcp, GARBAGE, '127.0.0.1', 100, 4],
    ['silent connections over TLS', { listen: 'tls://127.0.0.1:0' }, '', '127.0.0.1', 100, 4],
    ['silent connections over a Unix socket', {}, '', undefined, 100, 4],
  ] as const) {
    it(`lets every honest peer in, ${roundTripMs} ms away, among ${RATE} ${name} a second`, async () => {
      const security = { key: KEY, tls: await certificate() };
      meeting = await new Meeting(security, listen).open();
      network = await SlowNetwork.before(meeting.address, (_, deliver) => void setTimeout(deliver, roundTripMs / 2));
      const child = fork(FLOODING, [JSON.stringify(placeOf(meeting.address, localAddress)), `${RATE}`, bytes]);
      children.push(child);
      await once(child, 'message');
      for (const joined of upTo(peers)) {
        await meeting.dial(security, network.address);
        expect(meeting.accepted).to.have.length(joined + 1);
      }
      expect(meeting.listener.handshakes).to.be.at.most(MOST_UNPROVEN + limits.pendingHandshakes);
    });
  }
});

function placeOf(address: string, localAddress: string | undefined): object {
  const [, path] = /^unix:([^#]*)/.exec(address) ?? [];
  if (path !== undefined) return { path };
  return { host: '127.0.0.1', port: Number(/:(\d+)#/.exec(address)?.[1]), localAddress };
}
