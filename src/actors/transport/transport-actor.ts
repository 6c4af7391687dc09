import { UnreachableError } from '../../errors.js';
import { v1 } from '../../protocol/index.js';
import { type Behavior, behavior, later } from '../kernel/index.js';
import type { Channel } from './channel.js';
import type { Router } from './router.js';

/** The actor that opens, closes, and describes a router's links by messages. Frames never pass through it. */
export function transportActor(router: Router): Behavior<typeof v1.Transport, undefined> {
  return behavior(v1.Transport, {
    supervision: { onFailure: 'resume' },
    connect: (_state, { address }) => {
      const channel = router.open(address);
      return later(channel.opened().then(() => describe(channel)));
    },
    disconnect: (_state, { address }, context) => {
      // After the reply, which may use this link.
      context.scheduler.schedule(() => router.disconnect(address));
      return {};
    },
    describe: () => ({
      address: router.address,
      links: [...router.channels()]
        .filter((channel) => channel.isOpen)
        .map((channel) => v1.LinkDescription.create(describe(channel))),
    }),
  });
}

function describe(channel: Channel): v1.LinkDescriptionInit {
  const { link, closed } = channel;
  if (closed !== undefined) {
    throw closed;
  }
  if (link === undefined) {
    throw new UnreachableError(`The link to ${channel.name.text} is not open yet.`);
  }
  const { framesSent, framesReceived } = channel.traffic();
  return {
    ...link.carrier,
    peerAddress: channel.name.address,
    isReliable: link.isReliable,
    isUnresponsive: link.isUnresponsive,
    bytesSent: link.bytesSent,
    bytesReceived: link.bytesReceived,
    pendingAsks: channel.asks.size,
    openStreams: channel.streams.size,
    framesSent,
    framesReceived,
    ...(link.rings && { rings: link.rings }),
    ...(link.repeats && { repeats: link.repeats }),
  };
}
