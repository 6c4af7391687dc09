import { messageOf } from '../../foreign.js';
import { refusedBefore } from '../../transport/stack/index.js';
import type { Fact } from '../kernel/index.js';
import type { Router } from '../transport/index.js';

type Channel = ReturnType<Router['channels']> extends Iterable<infer Each> ? Each : never;

/** The links to a peer: by its address or name, or by its ordinal. What carries each, why that, its credit, and what it waits for. */
export function linkFacts(router: Router, what: string, ordinal: number | undefined): readonly Fact[] {
  const isMeant = ({ name, peer, holder }: Channel): boolean =>
    ordinal === undefined
      ? what !== '' && [name.text, peer?.partition, ...name.address.split(' '), name.address].includes(what)
      : (peer?.ordinal ?? holder?.ordinal) === ordinal;
  const open = [...router.channels()].filter(isMeant).flatMap(factsOf);
  const refused = [...router.attempts()].filter(({ channel }) => isMeant(channel));
  return [...open, ...refused.map(({ channel, retryAtMs }) => unreached(channel, retryAtMs - router.scheduler.now()))];
}

function factsOf(channel: Channel): readonly Fact[] {
  const { name, link } = channel;
  if (link === undefined) {
    const text = `The link to ${name.text} is not open yet${channel.opening === undefined ? '' : `: ${channel.opening}`}.`;
    return [{ kind: 'link', subject: name.address, text, weight: 85 }];
  }
  const { transport, medium } = link.carrier;
  const carrier = medium === '' ? transport : `${transport} over ${medium}`;
  const numbers = { bytesSent: link.bytesSent, bytesReceived: link.bytesReceived, pendingAsks: channel.asks.size };
  const text = `The link to ${name.text} is carried by ${carrier}.`;
  return [
    { kind: 'link', subject: name.address, text, numbers },
    routeOf(channel, carrier),
    ...silenceOf(channel),
    ...creditOf(channel),
  ];
}

function routeOf({ name, link, key, holder }: Channel, carrier: string): Fact {
  const tried = link === undefined ? [] : refusedBefore(link);
  const isOfPeer = key === '' && holder === undefined;
  const text = isOfPeer
    ? 'The peer has opened it, and has chosen what carries it.'
    : tried.length === 0
      ? `${carrier} is the nearest way that both processes have.`
      : `Nearer ways have failed: ${tried.map(({ transport, address, why }) => `${transport} to ${address}: ${why}`).join('; ')}`;
  return {
    kind: 'route',
    subject: name.address,
    text,
    numbers: { refused: tried.length },
    weight: tried.length > 0 ? 5 : 0,
  };
}

function silenceOf({ name, link }: Channel): readonly Fact[] {
  if (link?.isUnresponsive !== true) return [];
  const text = `${name.text} has sent nothing for so long that it counts as unresponsive: it may be stopped, or its event loop is held.`;
  return [{ kind: 'link', subject: name.address, text, weight: 92 }];
}

function creditOf(channel: Channel): readonly Fact[] {
  const { name, lanes, credit } = channel;
  const { waitingBytes } = lanes;
  const waiting: readonly Fact[] =
    waitingBytes === 0
      ? []
      : [
          {
            kind: 'credit',
            subject: name.address,
            text: `${waitingBytes} bytes wait on this link: the other end does not take them as fast as they come.`,
            numbers: { waitingBytes },
            weight: lanes.isPastMark ? 75 : 40,
          },
        ];
  const metered = credit.withoutRoom.map(({ cUid, granted, sent }): Fact => {
    const who =
      cUid === 0n
        ? `All mailboxes of ${name.text} together hold mailboxBytes`
        : `The mailbox of ${channel.pathOf(cUid)} is full`;
    const isBounded = Number.isFinite(granted);
    const text = `${who}: it lets this process send no more${isBounded ? ` than ${granted} messages, of which ${sent} are sent` : ' for now'}.`;
    return {
      kind: 'credit',
      subject: name.address,
      text,
      numbers: isBounded ? { granted, sent } : { sent },
      weight: 72,
    };
  });
  return [...waiting, ...metered];
}

function unreached({ name, closed }: Channel, retryMs: number): Fact {
  const why = closed === undefined ? '' : `: ${messageOf(closed).replace(/\.$/, '')}`;
  const next = Number.isFinite(retryMs)
    ? `A tell tries again ${retryMs > 0 ? `in ${Math.round(retryMs)} ms` : 'now'}, anything else at once.`
    : 'It is not tried again.';
  const numbers = Number.isFinite(retryMs) ? { retryMs: Math.max(0, retryMs) } : {};
  return {
    kind: 'link',
    subject: name.address,
    text: `The last attempt to reach ${name.text} has failed${why}. ${next}`,
    numbers,
    weight: 90,
  };
}
