import type { AnyMethod, MessageType } from '../../protocol/index.js';
import type { Delivery } from './delivery.js';

const nothing: MessageType<unknown> = {
  typeName: 'millrace.Signal',
  create: (init) => init,
  write: () => {},
  read: () => undefined,
};

/** The method by which the mailbox holds signals. No behavior has a handler for it. */
export const signalMethod: AnyMethod = {
  name: 'signal',
  fullName: 'a signal',
  mode: 'stream',
  lane: 0,
  request: nothing,
  response: nothing,
};

/** The entry in the mailbox for a signal that comes after the messages that the actor has accepted before. */
export class OrderedSignal implements Delivery {
  readonly deadlineMs = Number.MAX_VALUE;
  readonly chain = undefined;
  readonly meta = undefined;
  readonly sender = undefined;
  readonly sizeBytes = 0;
  readonly isOfStream = true;
  readonly isPull = true;
  readonly turn: () => unknown;

  constructor(turn: () => unknown) {
    this.turn = turn;
  }

  reply(): void {}

  /** The mailbox was emptied, because the actor stops. */
  fail(): void {}
}
