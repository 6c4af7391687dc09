import { MillraceError, ProtocolError, StoppedError } from '../../errors.js';
import { errorOf } from '../../foreign.js';
import type { AnyMethod } from '../../protocol/index.js';
import type { ActorCell } from './cell.js';
import { type Delivery, isAsk } from './delivery.js';

/**
 * A message from a link whose large fields still lie in the memory of its sender. It waits in the mailbox like this, and is read when its turn has
 * come. Whoever drops it disposes it.
 */
export abstract class ArrivingMessage implements Disposable {
  /** Reads the message, once. Rejects with UnreachableError when its fields are gone, and with ProtocolError when it is malformed. */
  abstract open(): Promise<unknown>;

  /** Gives the memory of its fields back. Does nothing the second time. */
  abstract dispose(): void;

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Drops a message: gives back what has arrived of it. */
export function dropMessage(message: unknown): void {
  if (message instanceof ArrivingMessage) message.dispose();
}

/**
 * The turn of a message whose large fields have to be read first: holds the mailbox until they are here, and lets the handler run then. False for
 * any other message.
 */
export function openFirst(cell: ActorCell, method: AnyMethod, message: unknown, delivery: Delivery): boolean {
  if (!(message instanceof ArrivingMessage)) return false;
  // The work settles either way: what cannot be read is no failure of the actor.
  let handle: (() => void) | undefined;
  const opened = message.open().then(
    (value) => {
      handle = () => handleOpened(cell, method, value, delivery, message);
    },
    (error: unknown) => {
      handle = () => refuse(cell, method, message, delivery, errorOf(error));
    },
  );
  cell.current = delivery;
  cell.suspend(opened, `the message of ${method.fullName}`, () => {
    cell.current = undefined;
    const run = handle;
    handle = undefined;
    run?.();
  });
  // The actor has not waited for it: it was abandoned when it stopped.
  void opened.then(() => handle && message.dispose());
  return true;
}

/** The memory of the message is given back when its handler has settled. */
function handleOpened(
  cell: ActorCell,
  method: AnyMethod,
  value: unknown,
  delivery: Delivery,
  message: ArrivingMessage,
): void {
  if (cell.phase !== 'running') {
    refuse(cell, method, message, delivery, new StoppedError(`${method.fullName}: ${cell.path} has stopped`));
    return;
  }
  cell.dispatch(method, value, delivery);
  const work = cell.pending;
  if (work === undefined) message.dispose();
  else
    work.then(
      () => message.dispose(),
      () => message.dispose(),
    );
}

function refuse(cell: ActorCell, method: AnyMethod, message: ArrivingMessage, delivery: Delivery, error: Error): void {
  message.dispose();
  if (delivery.isOfStream === true || isAsk(delivery)) {
    delivery.fail(error instanceof MillraceError ? error : new ProtocolError(error.message, { cause: error }));
    return;
  }
  const { deadLetters } = cell.kernel;
  if (error instanceof ProtocolError) deadLetters.addFor(cell, method, undefined, delivery, 'malformed');
  else if (error instanceof StoppedError) deadLetters.addFor(cell, method, undefined, delivery, 'stopped');
  else deadLetters.add(cell, method.fullName, undefined, 'unreachable');
}
