import { ProtocolError } from '../../errors.js';
import { v1 } from '../../protocol/index.js';
import type { AbortedAsks } from './aborted-asks.js';
import type { IncomingPressure } from './incoming-pressure.js';
import type { LinkStreams } from './link-streams.js';
import type { Outgoing } from './outgoing.js';
import type { PeerClock } from './peer-clock.js';
import type { RemoteWatches } from './remote-watches.js';
import type { ReturnedTells } from './returned-tells.js';
import type { SendCredit } from './send-credit.js';

/** The parts of a channel that control messages are for. */
export interface ControlledChannel {
  readonly clock: PeerClock;
  readonly outgoing: Outgoing;
  readonly watches: RemoteWatches;
  readonly returned: ReturnedTells;
  readonly credit: SendCredit;
  readonly incoming: IncomingPressure;
  readonly streams: LinkStreams;
  readonly aborted: AbortedAsks;
  /** The peer has said who it is. */
  onHello(hello: v1.Hello): void;
  /** The peer has given up the links that it has named so. */
  onFence(tokens: readonly bigint[]): void;
}

/** Hands a message from the router of the peer to the part of the channel that it is for. Throws ProtocolError for an unknown one. */
export function onControl(channel: ControlledChannel, { message }: v1.LinkMessage): void {
  switch (message.case) {
    case 'hello':
      channel.onHello(message.value);
      return;
    case 'fence':
      channel.onFence(message.value.tokens);
      return;
    case 'clockPing':
      channel.clock.onPing(message.value);
      return;
    case 'clockPong':
      channel.clock.onPong(message.value);
      return;
    case 'methodBound':
      channel.outgoing.methods.bound(message.value.method);
      return;
    case 'watch':
      channel.watches.onWatch(message.value.cUid);
      return;
    case 'watching':
      channel.watches.onWatching(message.value.cUid);
      return;
    case 'unwatch':
      channel.watches.onUnwatch(message.value.cUid);
      return;
    case 'terminated':
      channel.returned.actorEnded(message.value.cUid);
      channel.watches.onTerminated(message.value.cUid, message.value.cause);
      return;
    case 'undelivered':
      channel.returned.onUndelivered(message.value);
      return;
    case 'pressure':
      if (message.value.level === v1.Pressure_Level.STOPPED) channel.returned.actorEnded(message.value.cUid);
      channel.credit.onPressure(message.value);
      return;
    case 'mailboxWant':
      channel.incoming.onWant(message.value);
      return;
    case 'streamCredit':
      channel.streams.written.onCredit(message.value);
      return;
    case 'streamCancel':
      channel.streams.written.onCancel(message.value);
      return;
    case 'streamEnd':
      channel.streams.read.onEnd(message.value);
      return;
    case 'streamClosed':
      channel.streams.onClosed(message.value);
      return;
    case 'askAborted':
      channel.aborted.add(message.value.correlation);
      return;
    case undefined:
      throw new ProtocolError('A control message between routers has no content that this version knows.');
  }
}
