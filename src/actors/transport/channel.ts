import { Deferred } from '../../deferred.js';
import { type MillraceError, ProtocolError, UnreachableError } from '../../errors.js';
import { messageOf } from '../../foreign.js';
import { type AnyMethod, Lane, LANES, type v1 } from '../../protocol/index.js';
import type { CloseReason, Link } from '../../transport/index.js';
import { isInfrastructure, type ReadyWait, type Route, type TellDelivery, type Watcher } from '../kernel/index.js';
import { AbortedAsks } from './aborted-asks.js';
import { IncomingEnvelopes, type ReadingChannel } from './incoming-envelopes.js';
import { IncomingPressure } from './incoming-pressure.js';
import { PeerClock } from './peer-clock.js';
import type { Holder } from './peer-addresses.js';
import type { ChannelOptions, ChannelServices } from './peer-link.js';
import type { PeerName } from './peer-name.js';
import type { LinkKinship } from './kinship.js';
import { LinkAsks } from './link-asks.js';
import { LinkStreams } from './link-streams.js';
import { Outgoing } from './outgoing.js';
import { OutgoingLanes, type SendingChannel } from './outgoing-lanes.js';
import type { Recipient } from './recipient.js';
import { RemoteWatches } from './remote-watches.js';
import { Repeats } from './repeats.js';
import { SendCredit } from './send-credit.js';
import { ReturnedTells } from './returned-tells.js';
import { type Traffic, trafficOf } from './traffic.js';
import { UndeliveredTells } from './undelivered-tells.js';
import { forCaller } from '../../protocol/errors/index.js';

/**
 * One peer, reached over one link: its open frames, pending asks, streams, method numbers, and death watches. It is created before the
 * link is open; until then, messages wait in the outboxes. A closed channel stays closed.
 */
export class Channel implements ReadingChannel, SendingChannel {
  readonly asks: LinkAsks;
  readonly streams: LinkStreams;
  readonly lanes: OutgoingLanes;
  readonly outgoing: Outgoing;
  readonly watches: RemoteWatches;
  readonly incoming: IncomingPressure;
  readonly credit: SendCredit;
  readonly clock: PeerClock;
  readonly aborted = new AbortedAsks();
  readonly undelivered: UndeliveredTells;
  readonly returned: ReturnedTells;
  readonly name: PeerName;
  /** What the peer has said of itself. */
  peer: v1.Hello | undefined;
  /** What it was opened for: the address or the holder of the peer. Empty where the peer has opened the link. */
  readonly key: string;
  /** The process that it was opened for, where a reference and no address names it. */
  readonly holder: Holder | undefined;
  /** Names the open link to the peer. */
  token = 0n;
  readonly kinship: LinkKinship = { isProven: false, proof: new Uint8Array(), claim: undefined, due: undefined };
  readonly #services: ChannelServices<Channel>;
  readonly #isRetry: boolean;
  readonly #received: IncomingEnvelopes;
  readonly #repeats: Repeats;
  readonly #opened = new Deferred<void>();
  #link: Link | undefined;
  #closed: MillraceError | undefined;
  /** The router will call `flush`. */
  #isFlushPlanned = false;
  /** It was closed because this partition stops: what the peer takes is known when its link has ended. */
  #isLingering = false;

  constructor(services: ChannelServices<Channel>, name: PeerName, options: ChannelOptions = {}) {
    this.#services = services;
    this.#isRetry = options.isRetry === true;
    this.key = options.key ?? '';
    this.holder = options.holder;
    this.name = name;
    this.lanes = new OutgoingLanes(services, this);
    this.outgoing = new Outgoing(this.lanes, this);
    this.watches = new RemoteWatches(
      (message) => this.sendControl({ message }, message.case === 'terminated' ? Lane.data : Lane.control),
      services.system,
      () => this.isReliable,
    );
    this.clock = new PeerClock(services.scheduler, (message) => this.sendControl(message));
    this.undelivered = new UndeliveredTells(services, this);
    this.returned = new ReturnedTells(services, this);
    this.#received = new IncomingEnvelopes(services, this);
    this.incoming = new IncomingPressure(services, this, this.#received.inbound);
    this.credit = new SendCredit(this, services.scheduler);
    this.asks = new LinkAsks(services, this);
    this.streams = new LinkStreams(services, this);
    this.#repeats = new Repeats(services.scheduler, [this.watches, this.incoming, this.credit, this.streams]);
    // Usually nobody waits for the link to open; its failure is no unhandled rejection then.
    this.#opened.promise.catch(() => {});
  }

  get incarnation(): bigint {
    return this.peer?.incarnation ?? 0n;
  }

  get identity(): string | undefined {
    return this.peer && `${this.peer.incarnation}/${this.peer.ordinal}/${this.peer.address}`;
  }

  get isOpen(): boolean {
    return this.#link !== undefined && this.#closed === undefined;
  }

  /** The link is not open, and the attempt before this one has failed: tells are refused, and anything else waits. */
  get isRetrying(): boolean {
    return this.#isRetry && this.#link === undefined;
  }

  /** The link is not open yet, and tells wait for it. */
  get isAwaited(): boolean {
    return this.#link === undefined && this.#closed === undefined && this.lanes.tells > 0;
  }

  get opening(): string | undefined {
    return this.#link !== undefined || this.holder === undefined ? undefined : this.name.opening;
  }

  get closed(): MillraceError | undefined {
    return this.#closed;
  }

  get isReliable(): boolean {
    return this.#link?.isReliable === true;
  }

  get link(): Link | undefined {
    return this.#link;
  }

  traffic(): Traffic {
    const sent = { frames: this.lanes.frames, envelopes: this.outgoing.envelopes };
    return trafficOf(this.#link, sent, this.#received, this.undelivered.count);
  }

  attach(link: Link): void {
    if (this.#closed !== undefined) {
      link.close();
      return;
    }
    this.#link = link;
    this.token = this.#services.newToken(link);
    link.setHandlers({
      frame: (lane, bytes) => this.#received.read(lane, bytes),
      writable: (lane) => {
        this.lanes.drain(lane);
        this.#flushSoon();
        this.credit.linkProgressed();
      },
      taken: (lane) => this.lanes.of(lane).taken(),
      closed: (reason) => this.#linkClosed(reason),
    });
    this.outgoing.writeFirst(this.#services.greeting(this));
    this.lanes.attach(link);
    this.#flushSoon();
    this.credit.wake();
    this.repeatLater();
    this.#opened.resolve();
  }

  /** Resolves when the link is open; rejects when it cannot be opened. */
  opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** Sends a control message on both lanes: what follows on either must not overtake it. Before the link is open it does nothing. */
  announce(message: v1.LinkMessageInit): void {
    if (this.#link === undefined) return;
    for (const lane of LANES) this.sendControl(message, lane);
  }

  // ---- sending

  /** Describes an actor of the peer, for error messages and dead letters. */
  pathOf(cUid: bigint): string {
    return this.#services.system.pathOf(cUid) ?? this.name.pathOf(cUid);
  }

  /** As Route.tell: false past the high-water mark, BackpressureError at the bound. */
  tell(to: Recipient, method: AnyMethod, message: unknown, delivery: TellDelivery | undefined): boolean {
    const { credit, lanes, outgoing } = this;
    if (credit.isIdle) {
      const isBelowMark = outgoing.tell(to, method, message, delivery);
      this.written();
      return isBelowMark;
    }
    credit.admit(to.cUid, method.lane);
    const before = lanes.writtenBytes;
    const isBelowMark = outgoing.tell(to, method, message, delivery);
    this.written();
    return credit.spend(to.cUid, method.lane, lanes.writtenBytes - before) && isBelowMark;
  }

  lost(cUid: bigint, { fullName }: AnyMethod, cause: MillraceError): void {
    this.#services.system.addDeadLetter(this.pathOf(cUid), fullName, undefined, 'overflow', cause);
  }

  reply(method: AnyMethod, response: unknown, correlation: number, passThrough: Uint8Array | undefined): void {
    if (this.#closed === undefined) {
      this.outgoing.reply(method, response, correlation, passThrough);
      this.written();
    }
  }

  failure(lane: Lane, error: MillraceError, correlation: number, passThrough?: Uint8Array): void {
    if (this.#closed === undefined) {
      this.outgoing.failure(lane, error, correlation, passThrough);
      this.written();
    }
  }

  /** Sends a control message to the peer's router. */
  sendControl(message: v1.LinkMessageInit, lane?: Lane): void {
    if (this.#closed === undefined) {
      this.outgoing.sendControl(message, lane);
      this.written();
      this.repeatLater();
    }
  }

  /** `wait` resolves when a tell to this actor would be accepted below the high-water mark. */
  ready(cUid: bigint, wait: ReadyWait): void {
    if (this.#closed === undefined) this.credit.ready(cUid, wait);
    else wait.reject(forCaller(this.#closed));
  }

  room(stream: number): Promise<void> | undefined {
    return this.lanes.isPastMark ? this.credit.linkReady() : this.lanes.detached.idle(stream);
  }

  flush(): void {
    try {
      this.undelivered.send();
      this.streams.read.sendCredits();
    } finally {
      this.#isFlushPlanned = false;
    }
    this.lanes.flush();
    // The flush may have used credit that the link has not reported. Refused senders try again.
    this.credit.wake();
  }

  /** Something that waited could not be written: nobody knows what the peer lacks. */
  flushFailed(cause: unknown): void {
    const text = `What waited for the link to ${this.name.text} could not be written: ${messageOf(cause)}`;
    this.violated(text, cause);
  }

  watch(route: Route, watcher: Watcher): void {
    if (this.#closed === undefined) this.watches.watch(route, watcher);
    else watcher.terminated(route, 'unreachable');
  }

  /** `isPeerDone`: the peer has closed its end of the link. */
  close(error: MillraceError, reason: CloseReason = { kind: 'closed' }, isPeerDone = false): void {
    if (this.#closed !== undefined) return;
    try {
      this.flush();
    } catch (cause) {
      // What was not sent is lost with the link.
      this.protocolError(cause);
    }
    this.#closed = error;
    this.#repeats.close();
    const { isStopping } = this.#services;
    // A partition that stops waits for its links to deliver what was sent. In any other case nobody knows whether the peer takes it.
    this.#isLingering = this.#link?.isOpen === true && isStopping;
    this.#link?.close(reason);
    try {
      if (!this.#isLingering) this.#lose();
    } finally {
      this.#settleCallers(error);
      this.#services.closed(this, this.#link !== undefined && !isPeerDone && !isStopping);
    }
  }

  /** Whatever fails before, nobody waits for a link that has ended. */
  #settleCallers(error: MillraceError): void {
    this.asks.close(error);
    this.aborted.close(error);
    this.streams.close(error);
    this.#received.close();
    this.incoming.close();
    this.watches.close();
    this.credit.close(error);
    this.#opened.reject(error);
  }

  /** This partition has stopped, and its links have ended: what the peer has not taken in time is lost. */
  settle(): void {
    if (!this.#isLingering) return;
    this.#isLingering = false;
    this.#lose();
  }

  /** What the peer has not taken: tells are dead letters here, and so are tells of the peer that it was not told of. */
  #lose(): void {
    const { system, departure } = this.#services;
    const { tells, reports } = this.lanes.recover((number) => this.outgoing.methods.method(number));
    for (const { cUid, method, message } of tells) {
      system.addDeadLetter(this.pathOf(cUid), method.fullName, message, departure.reason, this.#closed);
      if (!isInfrastructure(method.fullName)) departure.lost();
    }
    for (const report of reports) this.undelivered.lost(report, this.#closed);
  }

  // ---- receiving

  /** What the peer sends is read, and it can be told of tells that no actor handles. */
  get isReading(): boolean {
    return this.#closed === undefined;
  }

  onHello(hello: v1.Hello): void {
    this.#services.onHello(this, hello);
    if (this.peer !== undefined) this.lanes.detached.introduced(this.peer);
  }

  onFence(tokens: readonly bigint[]): void {
    this.#services.onFence(this, tokens);
  }

  malformed(error: unknown): void {
    this.#received.malformed(error);
  }

  protocolError(error: unknown): void {
    this.#services.protocolError(this, error);
  }

  violated(text: string, cause?: unknown): void {
    this.close(new ProtocolError(text, { cause }), { kind: 'protocol', message: text });
  }

  #linkClosed(reason: CloseReason): void {
    const detail = reason.kind === 'closed' ? 'it was closed' : reason.message;
    const error = new UnreachableError(`The link to ${this.name.text} has ended: ${detail}.`);
    this.close(error, undefined, reason.kind === 'closed');
  }

  /** A peer that does not read for too long is treated as unreachable, so that memory stays bounded. */
  written(): void {
    if (this.lanes.isStuck) this.giveUp();
    else this.#flushSoon();
  }

  #flushSoon(): void {
    if (this.#isFlushPlanned) return;
    this.#isFlushPlanned = true;
    this.#services.flushSoon(this);
  }

  /** The peer does not take what it is sent. */
  giveUp(): void {
    this.close(new UnreachableError(`${this.name.text} does not read its messages (controlBacklogBytes, replyBytes).`));
  }

  repeatLater(): void {
    if (this.#link?.isReliable === false && this.#closed === undefined) this.#repeats.plan();
  }
}
