import { type ActorRef, BackpressureError, behavior, Executor, Runtime } from 'millrace';
import { Ledger, Worker } from '../../gen/load.js';
import { textOf } from '../../transport/peer.js';
import { assertUcx } from '../../transport/peers/assert-ucx.js';
import type { LoadClient, LoadPeer, Manner } from '../peer.js';
import { type Done, SENDERS, Work } from '../work.js';

/** Messages in the mailbox of the worker. */
const CAPACITY = 1_000;
/** Time for asks outside of what is measured, in ms. */
const PATIENCE_MS = 30_000;
const DATA = new Uint8Array(1_024).fill(7);

type Refs = { readonly worker: ActorRef<typeof Worker>; readonly ledger: ActorRef<typeof Ledger> };

/** Between processes or threads: each sender is a process of the cluster, with its own link. */
export function linked(listen: string, ucx: 'off' | 'required'): LoadPeer {
  const options = { listen, ucx, keyless: 'loopback', logLevel: 'error' } as const;
  return {
    serve: async () => {
      if (ucx === 'required') assertUcx();
      const runtime = await Runtime.start(options);
      const work = new Work();
      spawn(runtime, work);
      return {
        address: runtime.controlPlane,
        close: () => {
          work.close();
          return runtime.stop();
        },
      };
    },
    connect: async (address) => {
      if (ucx === 'required') assertUcx();
      const controlPlane = textOf(address ?? '');
      const runtimes: Runtime[] = [];
      for (let sender = 0; sender < SENDERS; sender += 1) {
        runtimes.push(await Runtime.start({ ...options, controlPlane, nodeName: `sender-${sender}` }));
      }
      return clientOf(runtimes, async () => {
        for (const runtime of runtimes) await runtime.stop();
      });
    },
  };
}

/** On the pseudo-network, in one process. */
export const memoryLink: LoadPeer = {
  connect: async () => {
    const executor = new Executor();
    const home = await executor.start({ node: 'worker' });
    const work = new Work();
    spawn(home, work);
    const runtimes: Runtime[] = [];
    for (let sender = 0; sender < SENDERS; sender += 1) {
      runtimes.push(await executor.start({ node: `sender-${sender}`, controlPlane: home.controlPlane }));
    }
    return clientOf(runtimes, async () => {
      work.close();
      await executor.stop();
    });
  },
};

/** Within one partition. */
export const onePartition: LoadPeer = {
  connect: async () => {
    const runtime = await Runtime.start({ logLevel: 'error' });
    const work = new Work();
    spawn(runtime, work);
    return clientOf([runtime], async () => {
      work.close();
      await runtime.stop();
    });
  },
};

function spawn(runtime: Runtime, work: Work): void {
  const worker = behavior(Worker, {
    mailbox: { capacity: CAPACITY },
    work: async (_, job) => {
      await work.work();
      return job;
    },
    take: (_, { sender }) => work.take(sender),
  });
  const ledger = behavior(Ledger, {
    balance: () => {
      const { worked, taken, peakBytes } = work.balance();
      return { worked, taken: [...taken], peakBytes };
    },
  });
  runtime.spawn(worker, { name: 'worker', register: true });
  runtime.spawn(ledger, { name: 'ledger', register: true });
}

async function clientOf(runtimes: readonly Runtime[], close: () => Promise<void>): Promise<LoadClient> {
  const refs: Refs[] = [];
  for (const runtime of runtimes) {
    refs.push({ worker: await runtime.lookup(Worker, 'worker'), ledger: await runtime.lookup(Ledger, 'ledger') });
  }
  return new MillraceClient(runtimes, refs, close);
}

class MillraceClient implements LoadClient {
  readonly close: () => Promise<void>;
  readonly #runtimes: readonly Runtime[];
  readonly #refs: readonly Refs[];
  #reported = 0;
  #asked = 0;

  constructor(runtimes: readonly Runtime[], refs: readonly Refs[], close: () => Promise<void>) {
    this.close = close;
    this.#runtimes = runtimes;
    this.#refs = refs;
  }

  /** The senders take turns. */
  async ask(timeoutMs: number): Promise<boolean> {
    this.#asked += 1;
    const { worker } = this.#of(this.#asked);
    return worker.work({}, { timeoutMs }).then(
      () => true,
      () => false,
    );
  }

  tell(sender: number, manner: Manner): boolean | Promise<boolean> {
    const { worker } = this.#of(sender);
    try {
      const isBelowMark = worker.take({ sender, data: DATA });
      return isBelowMark || manner === 'rude' ? true : worker.ready().then(() => true);
    } catch (error) {
      if (error instanceof BackpressureError) return false;
      throw error;
    }
  }

  reported(): number {
    const all = this.#runtimes.flatMap((runtime) => Object.values(runtime.metrics().deadLetters));
    const total = all.reduce((sum, count) => sum + count, 0);
    const reported = total - this.#reported;
    this.#reported = total;
    return reported;
  }

  async balance(): Promise<Done> {
    const { ledger } = this.#of(0);
    return ledger.balance({}, { timeoutMs: PATIENCE_MS });
  }

  #of(sender: number): Refs {
    const refs = this.#refs[sender % this.#refs.length];
    if (refs === undefined) throw new RangeError('There are no senders.');
    return refs;
  }
}
