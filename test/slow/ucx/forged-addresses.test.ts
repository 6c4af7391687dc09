import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { Lane } from '#src/protocol/index.js';
import type { Hello } from '#src/transport/handshake/index.js';
import { Fabric } from '#src/transport/ucx/abi.js';
import { numbered, Peer } from '../../transport/compliance/peer.js';
import { describeWithUcx } from '../../transport/ucx/available.js';
import { Forger, KEY } from '../../transport/ucx/forger.js';
import { Peers } from '../../transport/ucx/peers.js';
import { forgedAddresses } from './forged-addresses.js';

const DIALING = fileURLToPath(new URL('./dialing-child.js', import.meta.url));
const SEED = process.env['FUZZ_SEED'] ?? 'addresses 1';
/** Handshakes in progress at a time. */
const AT_ONCE = 16;
/** Time for each of the two tests. 120 s are enough for 100,000 addresses to a listener on two processors. */
const SECONDS = Number(process.env['FUZZ_SECONDS'] ?? 1);

describeWithUcx(`forged UCX addresses (FUZZ_SEED="${SEED}")`, () => {
  let peers = new Peers();
  let forger = new Forger();
  let child: ChildProcess | undefined;

  beforeEach(() => {
    peers = new Peers();
    forger = new Forger();
  });

  afterEach(async () => {
    child?.kill('SIGKILL');
    await forger.close();
    await peers.end();
  });

  function forgedHellos(): () => Hello {
    const fabrics = [Fabric.sharedMemory, Fabric.sharedMemory, Fabric.tcp];
    const addresses = forgedAddresses(
      fabrics.map((fabric) => forger.genuine(fabric)),
      SEED,
    );
    let made = 0;
    return () => {
      made += 1;
      return forger.hello(addresses.next().value, fabrics[made % fabrics.length]);
    };
  }

  /** Sends forged offers to the listener for a while, and returns how many it got and admitted. */
  async function attack(address: string): Promise<{ readonly sent: number; readonly admitted: number }> {
    const makeHello = forgedHellos();
    const untilMs = performance.now() + SECONDS * 1_000;
    let sent = 0;
    let admitted = 0;
    const forge = async (): Promise<void> => {
      while (performance.now() < untilMs) {
        sent += 1;
        const connection = await forger.dial(address, makeHello).catch(() => undefined);
        if (connection !== undefined) admitted += 1;
        connection?.socket.destroy();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, forge));
    return { sent, admitted };
  }

  it(`do not end a process that listens, in ${SECONDS} s`, async function () {
    this.timeout((SECONDS + 60) * 1_000);
    const listening = peers.start('listen', JSON.stringify({ key: KEY, interfaces: ['lo'] }));
    const [address] = (await once(listening, 'message')) as [string];
    const { sent, admitted } = await attack(address);
    console.log(`      ${sent} addresses, ${admitted} of them admitted`);
    expect([listening.exitCode, listening.signalCode]).to.deep.equal([null, null]);
    expect(admitted, 'admitted to UCX').to.be.greaterThan(0);
    const near = peers.transport({ key: KEY });
    const honest = new Peer(near, await near.connect(address, { timeoutMs: 20_000 }));
    await honest.send(Lane.data, numbered(1));
    honest.link.close();
    await honest.end();
  });

  it(`do not end a process that dials, in ${SECONDS} s`, async function () {
    this.timeout((SECONDS + 60) * 1_000);
    const address = await forger.listen(forgedHellos());
    child = fork(DIALING, [address, `${SECONDS}`, KEY]);
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    expect([code, signal]).to.deep.equal([0, null]);
  });
});
