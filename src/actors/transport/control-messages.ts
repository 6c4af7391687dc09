import { ProtocolError } from '../../errors.js';
import { v1 } from '../../protocol/index.js';
import type { Channel } from './channel.js';
import type { RouterServices } from './router-services.js';

/** Hands a message from the router of the peer to the part of the channel that it is for. Throws ProtocolError for an unknown one. */
export function onControl(channel: Channel, services: RouterServices, { message }: v1.LinkMessage): void {
  switch (message.case) {
    case 'hello':
      services.onHello(channel, message.value);
      channel.outgoing.introduced(message.value);
      return;
    case 'fence':
      services.onFence(channel, message.value.tokens);
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
      channel.streams.onCredit(message.value);
      return;
    case 'streamCancel':
      channel.streams.onCancel(message.value);
      return;
    case 'streamEnd':
      channel.streams.onEnd(message.value);
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
