import type { ActorCell } from './cell.js';
import { type Delivery, isAsk } from './delivery.js';
import { answeredError } from './answered-error.js';

/** Answers an ask when `reply` settles, while the actor goes on. */
export function deferReply(cell: ActorCell, reply: Promise<unknown>, delivery: Delivery | undefined): void {
  const { deferredReplies } = cell.coldState();
  if (isAsk(delivery)) deferredReplies.add(delivery);
  const awaited = cell.beginAwaiting();
  const fail = (error: unknown): void => {
    if (isAsk(delivery)) {
      deferredReplies.delete(delivery);
      delivery.fail(answeredError(error));
    } else cell.reportLostReply(error);
  };
  reply.then(
    (value) => {
      cell.kernel.awaited -= awaited;
      if (!isAsk(delivery) || !deferredReplies.delete(delivery)) return;
      try {
        delivery.reply(value);
      } catch (error) {
        fail(error);
      }
    },
    (error: unknown) => {
      cell.kernel.awaited -= awaited;
      fail(error);
    },
  );
}
