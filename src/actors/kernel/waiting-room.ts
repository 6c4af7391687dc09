import { RingQueue } from '../../ring-queue.js';
import type { MailboxBounds } from './mailbox.js';

/** One link whose messages for an actor are metered, as the actor sees it. */
export interface MeteredLink {
  /** Identifies the process at the other end; undefined until it is known. */
  readonly peer: string | undefined;
  /** The actor has handled messages, while the sender wants to send more. */
  progressed(): void;
  /** Puts its oldest parked message into the mailbox. */
  takeParked(): void;
  /** The sender may send so many more messages than have arrived. */
  grant(messages: number): void;
  /** Its messages are no longer metered. */
  lift(): void;
  /** The actor has stopped: what is parked becomes dead letters. */
  stopped(): void;
}

/** What the waiting room needs of the actor. */
export interface RoomHost {
  readonly bounds: MailboxBounds;
  /** Messages in the mailbox. */
  readonly load: number;
  /** The mailboxes of the partition have no bytes left. */
  readonly isOutOfBytes: boolean;
}

/** The account of one metered link. The waiting room changes it. */
export class LinkPlace {
  readonly room: WaitingRoom;
  readonly link: MeteredLink;
  /** Messages that arrived when the mailbox had no room, and wait beside it. */
  parked = 0;
  /** Messages that were granted and have not arrived. */
  outstanding = 0;
  /** The sender asks for more than it was granted. */
  isWanting = false;
  /** The link has ended. What is parked is still handled. */
  hasLeft = false;
  /** It is in the queue of places with parked messages. */
  isQueued = false;
  /** The place of an earlier link of the same process, whose messages go first. */
  earlier: LinkPlace | undefined;

  constructor(room: WaitingRoom, link: MeteredLink, earlier: LinkPlace | undefined) {
    this.room = room;
    this.link = link;
    this.earlier = earlier;
  }
}

/**
 * The links that are metered because they send to a mailbox that is past its mark. Messages that had been sent before the sender knew are
 * parked here, one queue for each link, and enter the mailbox in turn. Then the room is granted to the links that want it, in equal shares:
 *
 *     load   0 ....... resume ........... mark ...... capacity
 *            lift      grant shares       refill      park
 *            ^ nobody else wants          to here
 */
export class WaitingRoom {
  /** Messages that are parked, of all links. */
  parked = 0;
  #isAdmitting = false;
  readonly #host: RoomHost;
  readonly #places: LinkPlace[] = [];
  /** Places with parked messages, the next one first. */
  readonly #turns = new RingQueue<LinkPlace>();
  #wanting: LinkPlace[] = [];
  /** Granted messages that have not arrived, of all links. */
  #outstanding = 0;

  constructor(host: RoomHost) {
    this.#host = host;
  }

  /** A parked message, which was accepted before, enters the mailbox. */
  get isAdmitting(): boolean {
    return this.#isAdmitting;
  }

  get isEmpty(): boolean {
    return this.#places.length === 0;
  }

  enter(link: MeteredLink): LinkPlace {
    const place = new LinkPlace(this, link, this.#leftBy(link.peer));
    this.#places.push(place);
    return place;
  }

  /** An earlier link of this process has ended, and has parked messages: they go before what the process sends now. */
  isAheadOf(link: Pick<MeteredLink, 'peer'>): boolean {
    return this.parked > 0 && this.#leftBy(link.peer) !== undefined;
  }

  /** The link has ended. Its place remains while it has parked messages. */
  leave(place: LinkPlace): void {
    place.hasLeft = true;
    this.wants(place, 0, false);
    if (place.parked === 0) this.#remove(place);
  }

  /** A message of this link waits outside; `link.takeParked` takes the oldest. */
  park(place: LinkPlace): void {
    place.parked++;
    this.parked++;
    this.#queue(place);
  }

  /** A message of this link has arrived. False when it was not granted. */
  arrived(place: LinkPlace): boolean {
    if (place.outstanding === 0) return false;
    place.outstanding--;
    this.#outstanding--;
    return true;
  }

  /** The sender has said how much of its grant is left, and whether it wants more. */
  wants(place: LinkPlace, outstanding: number, isWanting: boolean): void {
    this.#outstanding += outstanding - place.outstanding;
    place.outstanding = outstanding;
    if (isWanting === place.isWanting) return;
    place.isWanting = isWanting;
    if (isWanting) this.#wanting.push(place);
    else this.#wanting = this.#wanting.filter((other) => other !== place);
  }

  /** Called when the mailbox has drained, or a sender wants more: parked messages enter, then room is granted. */
  admit(): void {
    this.refill();
    if (this.parked > 0) return;
    if (this.#host.bounds.overflow !== 'backpressure') this.#liftAllBelow(this.#host.bounds.resume);
    else if (this.#wanting.length > 0) this.#share();
    else if (this.#outstanding === 0) this.#liftAllBelow(this.#low);
  }

  /** The actor has handled messages. */
  progressed(): void {
    for (const { link } of this.#wanting) link.progressed();
  }

  /** Nothing is going on: grants that are left, or were lost with their messages, must not meter their links for ever. */
  liftIdle(): void {
    if (this.parked === 0 && this.#wanting.length === 0) this.#liftAllBelow(0);
  }

  /** Parked messages enter the mailbox, one of each link in turn. */
  refill(): void {
    const host = this.#host;
    while (this.parked > 0 && host.load < host.bounds.mark && (host.load === 0 || !host.isOutOfBytes)) {
      const place = this.#turns.shift();
      if (place === undefined) return;
      place.isQueued = false;
      const first = firstOf(place);
      if (first.parked > 0) this.#take(first);
      if (place.parked > 0) this.#queue(place);
    }
  }

  close(): void {
    this.#wanting = [];
    for (const { link } of this.#places.splice(0)) link.stopped();
  }

  #queue(place: LinkPlace): void {
    if (place.isQueued) return;
    place.isQueued = true;
    this.#turns.push(place);
  }

  #take(place: LinkPlace): void {
    place.parked--;
    this.parked--;
    this.#isAdmitting = true;
    place.link.takeParked();
    this.#isAdmitting = false;
    if (place.hasLeft && place.parked === 0) this.#remove(place);
  }

  /** Each link that wants may have an equal share of the room under way. */
  #share(): void {
    const { load, bounds } = this.#host;
    // An empty mailbox reserves nothing: a sender that does not use its grant must not hold up the others.
    const reserves = load > 0;
    const reserved = reserves ? this.#outstanding : 0;
    if (load + reserved > bounds.resume) return;
    if (this.#isAlone && load <= this.#low) return this.#liftAllBelow(this.#low);
    const wanting = this.#wanting;
    this.#wanting = [];
    const share = Math.max(1, Math.floor((bounds.mark - load) / this.#places.length));
    let free = bounds.mark - load - reserved;
    for (const place of wanting) {
      const own = reserves ? place.outstanding : 0;
      // Nothing drains an empty mailbox: nobody may be left waiting for one who does not use what it was granted.
      const messages = reserves ? Math.min(free + own, share) : share;
      if (messages > place.outstanding) {
        free -= messages - own;
        this.#grant(place, messages);
      } else this.#wanting.push(place);
    }
  }

  #grant(place: LinkPlace, messages: number): void {
    this.#outstanding += messages - place.outstanding;
    place.outstanding = messages;
    place.isWanting = false;
    place.link.grant(messages);
  }

  /** One link wants, and no other has a grant left. */
  get #isAlone(): boolean {
    const [only, second] = this.#wanting;
    return second === undefined && only?.outstanding === this.#outstanding;
  }

  /** Load at which a mailbox counts as nearly empty. */
  get #low(): number {
    return Math.floor(this.#host.bounds.resume / 4);
  }

  #liftAllBelow(load: number): void {
    if (this.#host.load > load) return;
    const places = this.#places.splice(0);
    this.#wanting = [];
    this.#outstanding = 0;
    for (const { link } of places) link.lift();
  }

  #remove(place: LinkPlace): void {
    const at = this.#places.indexOf(place);
    if (at >= 0) this.#places.splice(at, 1);
  }

  #leftBy(peer: string | undefined): LinkPlace | undefined {
    if (peer === undefined || this.parked === 0) return undefined;
    return this.#places.findLast((place) => place.hasLeft && place.parked > 0 && place.link.peer === peer);
  }
}

/** The place whose messages go first when it is the turn of this one. */
function firstOf(place: LinkPlace): LinkPlace {
  if (place.earlier === undefined) return place;
  const first = firstOf(place.earlier);
  if (first.parked > 0) return first;
  place.earlier = undefined;
  return place;
}
