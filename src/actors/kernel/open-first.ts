import { AskTimeoutError, MillraceError, ProtocolError, StoppedError } from '../../errors.js';
import { errorOf } from '../../foreign.js';
import type { AnyMethod } from '../../protocol/index.js';
import type { Actor } from './actor.js';
import type { ArrivingMessage } from './arriving-message.js';
import { lendsRequest } from './borrowing.js';
import { type Delivery, isAsk, type ReturnReason } from './delivery.js';

/** The turn of a message whose large fields have to be read first: holds the mailbox until they are here, and lets the handler run then. */
export function openFirst(actor: Actor, method: AnyMethod, message: ArrivingMessage, delivery: Delivery): void {
  // The work settles either way: what cannot be read is no failure of the actor.
  let handle: (() => void) | undefined;
  const opened = message.open(lendsRequest(method)).then(
    (value) => {
      handle = () => handleOpened(actor, method, value, delivery, message);
    },
    (error: unknown) => {
      handle = () => refuse(actor, method, message, delivery, errorOf(error));
    },
  );
  actor.handles(delivery);
  actor.suspend(opened, `the message of ${method.fullName}`, () => {
    actor.handles(undefined);
    const run = handle;
    handle = undefined;
    run?.();
  });
  // The actor has stopped, and has not waited for it.
  void opened.then(() => handle && refuse(actor, method, message, delivery, stopped(actor, method)));
}

/** The memory of the message is given back when its handler has settled. */
function handleOpened(
  actor: Actor,
  method: AnyMethod,
  value: unknown,
  delivery: Delivery,
  message: ArrivingMessage,
): void {
  const refusal = refusalOf(actor, method, delivery);
  if (refusal !== undefined) {
    refuse(actor, method, message, delivery, refusal);
    return;
  }
  const borrowing = actor.coldState().openBorrowing();
  borrowing.begin(message);
  actor.dispatch(method, value, delivery);
  const work = actor.pending;
  const settled = (): void => borrowing.settled(message);
  if (work === undefined) settled();
  else work.then(settled, settled);
}

/** Much may have happened since the turn of the message came. */
function refusalOf(actor: Actor, method: AnyMethod, delivery: Delivery): MillraceError | undefined {
  if (actor.phase !== 'running') return stopped(actor, method);
  if (!isAsk(delivery) || delivery.deadlineMs > actor.kernel.scheduler.now()) return undefined;
  return new AskTimeoutError(
    `${method.fullName}: ${actor.path} had read the large fields of its message after its deadline, so its handler was not run`,
  );
}

function stopped(actor: Actor, method: AnyMethod): StoppedError {
  return new StoppedError(`${method.fullName}: ${actor.path} has stopped`);
}

function refuse(actor: Actor, method: AnyMethod, message: ArrivingMessage, delivery: Delivery, error: Error): void {
  message.dispose();
  if (delivery.isOfStream === true || isAsk(delivery)) {
    delivery.fail(error instanceof MillraceError ? error : new ProtocolError(error.message, { cause: error }));
    return;
  }
  const { deadLetters } = actor.kernel;
  deadLetters.addFor(actor, method, undefined, delivery, reasonOf(error), error);
}

function reasonOf(error: Error): ReturnReason {
  if (error instanceof ProtocolError) return 'malformed';
  return error instanceof StoppedError ? 'stopped' : 'unreachable';
}
