import { ProtocolError } from '../../errors.js';
import type { AnyMethod } from '../../protocol/index.js';
import type { ActorCell } from './cell.js';
import { type Delivery, isAsk } from './delivery.js';

/** The actor has no handler for the method: an ask fails, a tell is a dead letter. */
export function cannotHandle(
  cell: ActorCell,
  method: AnyMethod,
  message: unknown,
  delivery: Delivery | undefined,
): void {
  const { kernel, path, service } = cell;
  if (isAsk(delivery)) {
    delivery.fail(
      method.mode === 'stream'
        ? new ProtocolError(`${method.fullName} is a stream: open it; it cannot be asked or told`)
        : new ProtocolError(`${path} implements ${service.typeName}, which has no method ${method.fullName}`),
    );
  } else kernel.deadLetters.addFor(cell, method, message, delivery, 'unknown method');
}
