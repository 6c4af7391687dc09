import type { ActorCell } from './cell.js';
import { type Delivery, isAsk } from './delivery.js';
import { handlerError } from './lifecycle.js';

/** Answers an ask when `reply` settles, while the actor goes on. */
export function oweReply(cell: ActorCell, reply: Promise<unknown>, delivery: Delivery | undefined): void {
  const { owedReplies } = cell.usingSeldom();
  if (isAsk(delivery)) owedReplies.add(delivery);
  const awaited = cell.beginAwaiting();
  reply
    .finally(() => {
      cell.kernel.awaited -= awaited;
    })
    .then((value) => isAsk(delivery) && owedReplies.delete(delivery) && delivery.reply(value))
    .catch((error: unknown) => {
      if (isAsk(delivery)) {
        owedReplies.delete(delivery);
        delivery.fail(handlerError(error));
      } else cell.reportLostReply(error);
    });
}
