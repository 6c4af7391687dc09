import { dispatch, query, type Ref, spawnStateless, start } from 'nact';
import type { LoadPeer } from '../peer.js';
import { Work } from '../work.js';

type Message = { readonly sender: number } | { readonly from: Ref<true> };

/** nact's mailboxes have no bound: nothing is refused, and nobody has to wait. */
export const nactInOneProcess: LoadPeer = {
  connect: () => {
    const work = new Work();
    const worker = spawnStateless(
      start(),
      async (message: Message) => {
        if ('sender' in message) return work.take(message.sender);
        await work.work();
        dispatch(message.from, true);
      },
      'worker',
    );
    return Promise.resolve({
      ask: (timeoutMs) =>
        query(worker, (from: Ref<true>) => ({ from }), timeoutMs).then(
          () => true,
          () => false,
        ),
      tell: (sender) => {
        dispatch(worker, { sender });
        return true;
      },
      reported: () => 0,
      balance: () => Promise.resolve(work.balance()),
      close: () => work.close(),
    });
  },
};
