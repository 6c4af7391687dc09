import type { ActorCell } from './cell.js';
import { type Delivery, isAsk } from './delivery.js';
import { answeredError } from './answered-error.js';

/** Answers an ask when `reply` settles, while the actor goes on. */
export function deferReply(cell: ActorCell, reply: Promise<unknown>, delivery: Delivery | undefined): void {
  const { deferredReplies } = cell.coldState();
  if (isAsk(delivery)) deferredReplies.add(delivery);
  const awaited = cell.beginAwaiting();
  reply
    .finally(() => {
      cell.kernel.awaited -= awaited;
    })
    .then((value) => isAsk(delivery) && deferredReplies.delete(delivery) && delivery.reply(value))
    .catch((error: unknown) => {
      if (isAsk(delivery)) {
        deferredReplies.delete(delivery);
        delivery.fail(answeredError(error));
      } else cell.reportLostReply(error);
    });
}
