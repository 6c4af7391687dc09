import { ProtocolError } from '../../errors.js';
import { Lane, type MessageType, type Service, type TellMethod } from '../../protocol/index.js';
import type { PlainQuery } from './plain-query.js';

/** A message in the mailbox of a nact actor. */
export interface PlainMessage {
  readonly message: unknown;
  /** A reference, or any other value that was given to nact's `dispatch`. */
  readonly sender: unknown;
  /** The query that waits for an answer. */
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

/** The error of a dispatch to an actor of another partition. */
export function leavesPartition(): ProtocolError {
  return new ProtocolError(
    'a plain object cannot leave its partition, because it has no protobuf type to encode it: give the actor a service (see docs/protocols.md) and call its methods, or send the object to an actor of this partition that does so',
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

/** The service of nact actors, which no .proto file declares: any object, within the partition only. */
export const plainMessages: Service<{ readonly receive: typeof receive }> = {
  typeName: 'millrace.nact.Actor',
  methods: { receive },
};
