import { ProtocolError } from '../../errors.js';
import { Lane, type MessageType, type Service, type TellMethod } from '../../protocol/index.js';
import type { PlainQuery } from './plain-query.js';

/** What lies in the mailbox of an actor in nact's style. */
export interface PlainMessage {
  readonly message: unknown;
  /** A reference, or whatever else was given to nact's `dispatch`. */
  readonly sender: unknown;
  /** Waits for an answer. */
  readonly query?: PlainQuery | undefined;
}

const plainMessage: MessageType<PlainMessage, PlainMessage> = {
  typeName: 'millrace.nact.Plain',
  create: (init = { message: undefined, sender: undefined }) => init,
  write: () => {
    throw leavesPartition();
  },
  read: () => {
    throw leavesPartition();
  },
};

/** What `dispatch` meets on its way to another partition. */
export function leavesPartition(): ProtocolError {
  return new ProtocolError(
    'a plain object cannot leave its partition, because no protobuf type says how to write it: give the actor a service (see docs/protocols.md) and call its methods, or send to an actor of this partition that does',
  );
}

/** The one method of `plainMessages`. */
export const receive: TellMethod<PlainMessage, PlainMessage> = {
  name: 'receive',
  fullName: 'millrace.nact.Actor.Receive',
  mode: 'tell',
  lane: Lane.data,
  request: plainMessage,
  response: plainMessage,
};

/** The protocol of actors in nact's style, which no file declares: any object, in this partition only. */
export const plainMessages: Service<{ readonly receive: typeof receive }> = {
  typeName: 'millrace.nact.Actor',
  methods: { receive },
};
