import { Deferred } from '../../deferred.js';
import { type MillraceError, ProtocolError, UnreachableError } from '../../errors.js';
import { limits } from '../../limits.js';
import {
  type AnyMethod,
  EnvelopeMode,
  EnvelopeView,
  type Lane,
  readDelimitedEnvelope,
  readValue,
  v1,
  WireReader,
} from '../../protocol/index.js';
import type { Timer } from '../../scheduler/index.js';
import type { CloseReason, Link } from '../../transport/index.js';
import type { Route, TellDelivery, Watcher } from '../kernel/index.js';
import { AbortedAsks } from './aborted-asks.js';
import { Inbound } from './inbound.js';
import type { PeerLink } from './peer-link.js';
import { LinkAsks } from './link-asks.js';
import { LinkStreams } from './link-streams.js';
import { Outgoing } from './outgoing.js';
import { FullMailboxes } from './pressure.js';
import { RemoteWatches } from './remote-watches.js';
import type { RouterServices } from './router-services.js';
import type { Traffic } from './traffic.js';

/** Version of the control messages between routers. */
const VERSION = 1;
/** Time after which an unanswered control message is sent again, in ms; only on links that may lose frames. */
const REPEAT_MS = 500;
/** A channel id that no mailbox has. */
const NO_ACTOR = 0n;

/**
 * One peer, reached over one link: its open frames, pending asks, streams, method numbers, and death watches. It is created before the
 * link is open; until then, messages wait in the outboxes. A closed channel stays closed.
 */
export class Channel implements PeerLink {
  readonly asks: LinkAsks;
  readonly streams: LinkStreams;
  readonly outgoing: Outgoing;
  readonly watches: RemoteWatches;
  readonly pressure: FullMailboxes;
  readonly aborted = new AbortedAsks();
  /** The address that the peer states, for error messages and logs. */
  address: string;
  /** What the peer has said of itself. */
  peer: v1.Hello | undefined;
  readonly #services: RouterServices;
  readonly #inbound: Inbound;
  readonly #view = new EnvelopeView();
  readonly #reader = new WireReader();
  readonly #valueReader = new WireReader();
  readonly #opened = new Deferred<void>();
  #link: Link | undefined;
  #closed: MillraceError | undefined;
  #framesReceived = 0;
  #envelopesReceived = 0;
  #protocolErrors = 0;
  #repeat: Timer | undefined;

  constructor(services: RouterServices, address: string) {
    this.#services = services;
    this.address = address;
    this.outgoing = new Outgoing(services);
    this.watches = new RemoteWatches(
      (message) => this.sendControl({ message }),
      (cUid) => services.system.resolve(cUid),
    );
    this.pressure = new FullMailboxes((cUid, isFull) =>
      this.sendControl({ message: { case: 'pressure', value: { cUid, isFull } } }),
    );
    this.#inbound = new Inbound(services, this);
    this.asks = new LinkAsks(services, this);
    this.streams = new LinkStreams(services, this);
    // Usually nobody waits for the link to open; its failure is no unhandled rejection then.
    this.#opened.promise.catch(() => {});
  }

  get incarnation(): bigint {
    return this.peer?.incarnation ?? 0n;
  }

  get isOpen(): boolean {
    return this.#link !== undefined && this.#closed === undefined;
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
    return {
      bytesSent: this.#link?.bytesSent ?? 0,
      bytesReceived: this.#link?.bytesReceived ?? 0,
      framesSent: this.outgoing.frames,
      framesReceived: this.#framesReceived,
      envelopesSent: this.outgoing.envelopes,
      envelopesReceived: this.#envelopesReceived,
    };
  }

  attach(link: Link): void {
    if (this.#closed !== undefined) {
      link.close();
      return;
    }
    this.#link = link;
    link.setHandlers({
      frame: (_lane, bytes) => this.#receive(bytes),
      writable: (lane) => {
        this.outgoing.drain(lane);
        this.#services.flushSoon(this);
        this.pressure.wake();
      },
      closed: (reason) => this.#linkClosed(reason),
    });
    this.outgoing.attach(link);
    this.#services.flushSoon(this);
    this.pressure.wake();
    this.repeatLater();
    this.#opened.resolve();
  }

  /** Resolves when the link is open; rejects when it cannot be opened. */
  opened(): Promise<void> {
    return this.#closed === undefined ? this.#opened.promise : Promise.reject(this.#closed);
  }

  /** Tells the peer the identity of this partition. */
  hello(): void {
    this.sendControl({ message: { case: 'hello', value: { version: VERSION, ...this.#services.identity() } } });
  }

  // ---- sending

  /** Describes an actor of the peer, for error messages and dead letters. */
  pathOf(cUid: bigint): string {
    return `actor ${cUid} at ${this.address}`;
  }

  /** As Route.tell: false past the high-water mark, BackpressureError at the bound. */
  tell(cUid: bigint, method: AnyMethod, message: unknown, delivery: TellDelivery | undefined): boolean {
    const isBelowMark = this.outgoing.tell(cUid, method, message, delivery);
    this.written();
    return isBelowMark && !this.pressure.isFull(cUid);
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
  sendControl(message: v1.LinkMessageInit): void {
    if (this.#closed === undefined) {
      this.outgoing.sendControl(message);
      this.written();
      this.repeatLater();
    }
  }

  /** Resolves when a tell to this actor would be accepted below the high-water mark. */
  ready(cUid: bigint): Promise<void> {
    return this.#closed === undefined
      ? this.pressure.ready(cUid, () => !this.outgoing.isPastMark)
      : Promise.reject(this.#closed);
  }

  room(): Promise<void> | undefined {
    return this.outgoing.isPastMark ? this.ready(NO_ACTOR) : undefined;
  }

  flush(): void {
    this.outgoing.flush();
    // The flush may have used credit that the link has not reported. Refused senders try again.
    this.pressure.wake();
  }

  watch(route: Route, watcher: Watcher): void {
    if (this.#closed === undefined) {
      this.watches.watch(route, watcher);
    } else {
      watcher.terminated(route, 'unreachable');
    }
  }

  close(error: MillraceError, reason: CloseReason = { kind: 'closed' }): void {
    if (this.#closed !== undefined) {
      return;
    }
    this.flush();
    this.#closed = error;
    if (this.#repeat !== undefined) {
      this.#services.scheduler.clearTimer(this.#repeat);
    }
    this.#link?.close(reason);
    this.outgoing.close((cUid, method, message) =>
      this.#services.system.addDeadLetter(this.pathOf(cUid), method.fullName, message, 'unreachable'),
    );
    this.asks.close(error);
    this.streams.close(error);
    this.#inbound.close();
    this.watches.close();
    this.pressure.close(error);
    this.#opened.reject(error);
    this.#services.closed(this);
  }

  // ---- receiving

  #receive(bytes: Uint8Array): void {
    const view = this.#view;
    const reader = this.#reader.reset(bytes);
    this.#inbound.beginFrame();
    this.#framesReceived++;
    for (let isMore = true; isMore && this.#closed === undefined; ) {
      try {
        isMore = readDelimitedEnvelope(reader, view, this.#services.limits.maxMessageBytes);
        if (isMore) {
          this.#envelopesReceived++;
          this.#route(bytes, view);
        }
      } catch (error) {
        this.#onProtocolError(error);
      }
    }
  }

  #route(bytes: Uint8Array, view: EnvelopeView): void {
    switch (view.mode) {
      case EnvelopeMode.link:
        this.#onControl(readValue(v1.LinkMessage, this.#valueReader, bytes, view.valueStart, view.valueEnd));
        return;
      case EnvelopeMode.reply:
        this.asks.onReply(bytes, view);
        return;
      case EnvelopeMode.failure:
        this.asks.onFailure(view);
        return;
      case EnvelopeMode.element:
        this.streams.element(bytes, view);
        return;
      case EnvelopeMode.tell:
      case EnvelopeMode.ask:
      case EnvelopeMode.open:
        this.#inbound.deliver(bytes, view);
    }
  }

  #onControl({ message }: v1.LinkMessage): void {
    switch (message.case) {
      case 'hello':
        if (message.value.version !== VERSION) {
          const text = `The peer speaks version ${message.value.version} between routers, this one ${VERSION}.`;
          this.close(new ProtocolError(text), { kind: 'protocol', message: text });
          return;
        }
        this.#services.onHello(this, message.value);
        return;
      case 'methodBound':
        this.outgoing.methods.bound(message.value.method);
        return;
      case 'watch':
        this.watches.onWatch(message.value.cUid);
        return;
      case 'watching':
        this.watches.onWatching(message.value.cUid);
        return;
      case 'unwatch':
        this.watches.onUnwatch(message.value.cUid);
        return;
      case 'terminated':
        this.watches.onTerminated(message.value.cUid, message.value.cause);
        return;
      case 'pressure':
        this.pressure.onPressure(message.value.cUid, message.value.isFull);
        this.repeatLater();
        return;
      case 'streamCredit':
        this.streams.onCredit(message.value);
        return;
      case 'streamCancel':
        this.streams.onCancel(message.value);
        return;
      case 'streamEnd':
        this.streams.onEnd(message.value);
        return;
      case 'streamClosed':
        this.streams.onClosed(message.value);
        return;
      case 'askAborted':
        this.aborted.add(message.value.correlation);
        return;
      case undefined:
        throw new ProtocolError('A control message between routers has no content that this version knows.');
    }
  }

  /** Malformed bytes never throw into the event loop. They are counted and logged, and after a limit the link is closed. */
  #onProtocolError(error: unknown): void {
    this.#protocolErrors++;
    this.#services.protocolError(this, error);
    if (this.#protocolErrors >= limits.linkProtocolErrors) {
      const text = `${this.#protocolErrors} messages from ${this.address} were malformed.`;
      this.close(new ProtocolError(text), { kind: 'protocol', message: text });
    }
  }

  #linkClosed(reason: CloseReason): void {
    const detail = reason.kind === 'closed' ? 'it was closed' : reason.message;
    this.close(new UnreachableError(`The link to ${this.address} has ended: ${detail}.`));
  }

  /** A peer that does not read for too long is treated as unreachable, so that memory stays bounded. */
  written(): void {
    if (this.outgoing.isStuck) {
      this.close(
        new UnreachableError(`${this.address} does not read what it is sent: the backlog is past controlBacklogBytes.`),
      );
    } else {
      this.#services.flushSoon(this);
    }
  }

  repeatLater(): void {
    if (this.#link?.isReliable !== false || this.#closed !== undefined || this.#repeat !== undefined) {
      return;
    }
    if (this.watches.needsRepeat || this.pressure.needsRepeat || this.streams.needsRepeat) {
      this.#repeat = this.#services.scheduler.setTimer(REPEAT_MS, () => {
        this.#repeat = undefined;
        this.watches.repeat();
        this.pressure.repeat();
        this.streams.repeat();
        this.repeatLater();
      });
    }
  }
}
