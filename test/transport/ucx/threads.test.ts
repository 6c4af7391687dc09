import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { Lane } from '#src/protocol/index.js';
import { reapThread, silenceThread } from '#src/transport/ucx/index.js';
import { numbered, Peer } from '../compliance/peer.js';
import { upTo } from '../../support/numbers.js';
import { describeWithUcx } from './available.js';
import { Peers } from './peers.js';

const ROUNDS = Number(process.env['MILLRACE_TEST_THREADS'] ?? 1);
const ENDS = ['closes', 'throws', 'exits', 'throws in a callback', 'exits in a callback', 'hangs in a callback'];

describeWithUcx('a thread with live links', () => {
  let peers = new Peers();

  beforeEach(() => {
    peers = new Peers();
  });

  afterEach(() => peers.end());

  for (const end of ENDS) {
    it(`that ${end} takes nobody with it, and is reaped`, async function () {
      this.timeout(120_000 + ROUNDS * 3_000);
      const hub = peers.transport();
      const accepted: Peer[] = [];
      const address = await hub.listen((link) => accepted.push(new Peer(hub, link)));
      const round = async (index: number): Promise<void> => {
        const worker = new Worker(new URL('./thread.js', import.meta.url), { workerData: { address, end } });
        const { threadId } = worker;
        const exited = once(worker, 'exit');
        exited.catch(() => {});
        worker.on('error', () => {});
        await once(worker, 'message');
        const peer = accepted[index];
        if (peer === undefined) throw new Error('the thread has not linked');
        peer.trySend(Lane.data, numbered(1));
        worker.postMessage('end');
        if (end === 'hangs in a callback') {
          await once(worker, 'message');
          expect(silenceThread(threadId)).to.equal(true);
          await worker.terminate();
        } else await new Promise((resolve) => worker.once('exit', resolve));
        expect((await peer.end()).kind).to.equal(end === 'closes' ? 'closed' : 'lost');
        expect(reapThread(threadId)).to.equal(end === 'closes' ? 0 : 1);
        expect(reapThread(threadId)).to.equal(0);
      };
      await round(0);
      const before = readdirSync('/proc/self/fd').length;
      for (const index of upTo(ROUNDS)) await round(index + 1);
      expect(readdirSync('/proc/self/fd').length).to.be.at.most(before + 2);
      expect(hub.statistics.links).to.equal(0);
    });
  }
});
