import { Pull, Push, Reply, Request } from 'zeromq';
import { textOf } from '../../transport/peer.js';
import type { LoadPeer } from '../peer.js';
import { type Done, SENDERS, Work } from '../work.js';

/** Messages that wait at each end of a connection. */
const WAITING = 1_000;
const DATA = Buffer.alloc(1_024, 7);

/** Eight PUSH sockets and one PULL socket, which takes from all of them in turn. A sender waits when its socket is full. */
export const zeromq: LoadPeer = {
  serve: async () => {
    const work = new Work();
    const [jobs, ledger] = [new Pull({ receiveHighWaterMark: WAITING }), new Reply()];
    await jobs.bind('tcp://127.0.0.1:*');
    await ledger.bind('tcp://127.0.0.1:*');
    void takeAll(jobs, work);
    void answerAll(ledger, work);
    return {
      address: `${jobs.lastEndpoint} ${ledger.lastEndpoint}`,
      close: () => {
        work.close();
        jobs.close();
        ledger.close();
      },
    };
  },
  connect: (address) => {
    const [jobs = '', accounts = ''] = textOf(address ?? '').split(' ');
    const senders = Array.from({ length: SENDERS }, (_, sender) => {
      const socket = new Push({ sendHighWaterMark: WAITING, linger: 0 });
      socket.connect(jobs);
      return { socket, message: Buffer.concat([Buffer.of(sender), DATA]), last: Promise.resolve() };
    });
    const ledger = new Request({ linger: 0 });
    ledger.connect(accounts);
    return Promise.resolve({
      tell: async (number) => {
        const sender = senders[number];
        if (sender === undefined) return false;
        // A socket sends one message at a time, and the last of a run may still wait.
        await sender.last;
        sender.last = sender.socket.send(sender.message);
        await sender.last;
        return true;
      },
      reported: () => 0,
      balance: async () => {
        await ledger.send('');
        const [reply] = await ledger.receive();
        const [worked = 0, peakBytes = 0, ...taken] = String(reply).split(' ').map(Number);
        return { worked, peakBytes, taken } satisfies Done;
      },
      close: () => {
        for (const { socket } of senders) socket.close();
        ledger.close();
      },
    });
  },
};

async function takeAll(jobs: Pull, work: Work): Promise<void> {
  let count = 0;
  for await (const [message] of jobs) {
    work.take(message?.[0] ?? 0);
    count += 1;
    // The others of this thread have their turn, as between two turns of an actor.
    if (count % 256 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

async function answerAll(ledger: Reply, work: Work): Promise<void> {
  for await (const _ of ledger) {
    const { worked, peakBytes, taken } = work.balance();
    await ledger.send([worked, peakBytes, ...taken].join(' '));
  }
}
