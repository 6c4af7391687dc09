import { BackpressureError, type MillraceError, ProtocolError, UnreachableError } from '../../errors.js';
import { limits } from '../../limits.js';
import {
  type AnyMethod,
  EnvelopeHeader,
  EnvelopeMode,
  EnvelopeView,
  Lane,
  readDelimitedEnvelope,
  readValue,
  v1,
  WireReader,
} from '../../protocol/index.js';
import type { Timer } from '../../scheduler/index.js';
import type { CloseReason, Link } from '../../transport/index.js';
import {
  type AskOptions,
  chainIds,
  type OutgoingCall,
  type Route,
  type TellDelivery,
  type Watcher,
} from '../kernel/index.js';
import { highOf, lowOf } from './halves.js';
import { Inbound } from './inbound.js';
import { IncomingMethods, OutgoingMethods } from './method-numbers.js';
import { Outbox } from './outbox.js';
import { FullMailboxes } from './pressure.js';
import { RemoteAsk } from './remote-ask.js';
import { RemoteWatches } from './remote-watches.js';
import type { RouterServices } from './router-services.js';
import { fromWire, toWire } from './wire-errors.js';

/** Version of what routers say to one another. */
const VERSION = 1;
/** Time after which what was not answered is said again, in ms; only on links that may lose frames. */
const REPEAT_MS = 500;

/**
 * One peer, reached over one link: its open frames, the asks that wait for it, the methods agreed on, who watches whom. Made before
 * the link is open: what is sent meanwhile waits in the outboxes. Once closed it stays closed.
 */
export class Channel {
  readonly asks = new Map<number, RemoteAsk>();
  readonly watches: RemoteWatches;
  readonly pressure: FullMailboxes;
  /** What the peer calls itself, for messages. */
  address: string;
  readonly #services: RouterServices;
  readonly #outboxes: Readonly<Record<Lane, Outbox>>;
  readonly #outgoing = new OutgoingMethods();
  readonly #incoming = new IncomingMethods();
  readonly #inbound: Inbound;
  readonly #header = new EnvelopeHeader();
  readonly #view = new EnvelopeView();
  readonly #reader = new WireReader();
  readonly #valueReader = new WireReader();
  readonly #opening: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
  #link: Link | undefined;
  #closed: MillraceError | undefined;
  #correlation = 0;
  #protocolErrors = 0;
  #repeat: Timer | undefined;

  constructor(services: RouterServices, address: string) {
    this.#services = services;
    this.address = address;
    const { frameBytes, maxMessageBytes } = services.limits;
    this.#outboxes = {
      [Lane.control]: new Outbox(Lane.control, {
        frameBytes,
        maxMessageBytes,
        backlogBytes: limits.controlBacklogBytes,
      }),
      [Lane.data]: new Outbox(Lane.data, {
        frameBytes,
        maxMessageBytes,
        backlogBytes: services.limits.linkBacklogBytes,
      }),
    };
    this.watches = new RemoteWatches(
      (message) => this.say({ message }),
      (cUid) => services.system.resolve(cUid),
    );
    this.pressure = new FullMailboxes((cUid, isFull) =>
      this.say({ message: { case: 'pressure', value: { cUid, isFull } } }),
    );
    this.#inbound = new Inbound(services, this);
  }

  get isOpen(): boolean {
    return this.#link !== undefined && this.#closed === undefined;
  }

  get closed(): MillraceError | undefined {
    return this.#closed;
  }

  get link(): Link | undefined {
    return this.#link;
  }

  attach(link: Link): void {
    this.#link = link;
    link.setHandlers({
      frame: (_lane, bytes) => this.#receive(bytes),
      writable: (lane) => {
        this.#outboxes[lane].drain();
        this.#services.flushSoon(this);
        this.#wakeReady();
      },
      closed: (reason) => this.#linkClosed(reason),
    });
    this.#outboxes[Lane.control].attach(link);
    this.#outboxes[Lane.data].attach(link);
    this.#services.flushSoon(this);
    this.#wakeReady();
    for (const { resolve } of this.#opening.splice(0)) {
      resolve();
    }
  }

  /** Resolves when the link is open; rejects when it cannot be opened. */
  opened(): Promise<void> {
    if (this.#closed !== undefined) {
      return Promise.reject(this.#closed);
    }
    return this.#link === undefined
      ? new Promise((resolve, reject) => this.#opening.push({ resolve, reject }))
      : Promise.resolve();
  }

  /** Tells the peer who is at this end. */
  hello(): void {
    this.say({ message: { case: 'hello', value: { version: VERSION, ...this.#services.identity() } } });
  }

  // ---- sending

  /** As Route.tell: false past the mark, BackpressureError at the bound. */
  tell(cUid: bigint, method: AnyMethod, message: unknown, delivery: TellDelivery | undefined): boolean {
    const header = this.#begin(EnvelopeMode.tell, method);
    header.hasTo = true;
    header.toLow = lowOf(cUid);
    header.toHigh = highOf(cUid);
    header.meta = delivery?.meta;
    this.#setSender(header, delivery?.sender?.cUid);
    this.#write(method.lane, header, method.request, message, method.lane === Lane.control);
    return !this.#outboxes[method.lane].isPastMark && !this.pressure.isFull(cUid);
  }

  ask(
    cUid: bigint,
    method: AnyMethod,
    message: unknown,
    call: OutgoingCall,
    options: AskOptions | undefined,
  ): Promise<unknown> {
    if (this.asks.size >= limits.linkAsks) {
      return Promise.reject(
        new BackpressureError(`${limits.linkAsks} asks wait for replies from ${this.address} already.`),
      );
    }
    const nowMs = this.#services.scheduler.now();
    return new Promise((resolve, reject) => {
      const correlation = this.#nextCorrelation();
      const target = `${method.fullName} at ${this.address}`;
      const { deadlines } = this.#services.system;
      const ask = new RemoteAsk(
        this.asks,
        correlation,
        target,
        deadlines,
        method,
        call.deadlineMs,
        options,
        resolve,
        reject,
      );
      try {
        const header = this.#begin(EnvelopeMode.ask, method);
        header.hasTo = true;
        header.toLow = lowOf(cUid);
        header.toHigh = highOf(cUid);
        header.correlation = correlation;
        header.remainingMicroseconds = Math.max(0, (call.deadlineMs - nowMs) * 1_000);
        header.chain = chainIds(call.chain);
        header.meta = call.meta;
        this.#setSender(header, call.caller?.toRef().cUid);
        this.#write(method.lane, header, method.request, message, method.lane === Lane.control);
        ask.start(nowMs);
      } catch (error) {
        this.asks.delete(correlation);
        reject(error);
      }
    });
  }

  reply(method: AnyMethod, response: unknown, correlation: number, passThrough: Uint8Array | undefined): void {
    if (this.#closed === undefined) {
      const header = this.#begin(EnvelopeMode.reply, method);
      header.correlation = correlation;
      header.passThrough = passThrough;
      this.#write(method.lane, header, method.response, response, true);
    }
  }

  failure(method: { readonly lane: Lane }, error: MillraceError, correlation: number, passThrough?: Uint8Array): void {
    if (this.#closed === undefined) {
      const header = this.#header;
      header.clear();
      header.mode = EnvelopeMode.failure;
      header.correlation = correlation;
      header.passThrough = passThrough;
      header.error = toWire(error);
      this.#write(method.lane, header, undefined, undefined, true);
    }
  }

  /** A word between routers. */
  say(message: v1.LinkMessageInit): void {
    if (this.#closed === undefined) {
      const header = this.#header;
      header.clear();
      header.mode = EnvelopeMode.link;
      this.#write(Lane.control, header, v1.LinkMessage, v1.LinkMessage.create(message), true);
      this.#repeatWhenLossy();
    }
  }

  /** Resolves when a tell to this actor would be accepted below the mark. */
  ready(cUid: bigint): Promise<void> {
    return this.#closed === undefined
      ? this.pressure.ready(cUid, () => !this.#outboxes[Lane.data].isPastMark)
      : Promise.reject(this.#closed);
  }

  flush(): void {
    this.#outboxes[Lane.control].flush();
    this.#outboxes[Lane.data].flush();
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
    for (const ask of [...this.asks.values()]) {
      ask.fail(error);
    }
    this.watches.close();
    this.pressure.close(error);
    for (const { reject } of this.#opening.splice(0)) {
      reject(error);
    }
    this.#services.closed(this);
  }

  // ---- receiving

  #receive(bytes: Uint8Array): void {
    const view = this.#view;
    const reader = this.#reader.reset(bytes);
    for (let isMore = true; isMore && this.#closed === undefined; ) {
      try {
        isMore = readDelimitedEnvelope(reader, view, this.#services.limits.maxMessageBytes);
        if (isMore) {
          this.#route(bytes, view);
        }
      } catch (error) {
        this.#misunderstood(error);
      }
    }
  }

  #route(bytes: Uint8Array, view: EnvelopeView): void {
    switch (view.mode) {
      case EnvelopeMode.link:
        this.#heard(readValue(v1.LinkMessage, this.#valueReader, bytes, view.valueStart, view.valueEnd));
        return;
      case EnvelopeMode.reply:
        this.#replied(bytes, view);
        return;
      case EnvelopeMode.failure:
        this.asks
          .get(view.correlation)
          ?.fail(fromWire(view.error ?? { code: 'MILLRACE', message: 'no cause given', handlerCode: '' }));
        return;
      case EnvelopeMode.tell:
      case EnvelopeMode.ask:
        this.#inbound.deliver(bytes, view, this.#methodName(view));
    }
  }

  /** A reply that comes after its ask has settled is dropped: the asker was told already. */
  #replied(bytes: Uint8Array, view: EnvelopeView): void {
    const ask = this.asks.get(view.correlation);
    if (ask === undefined) {
      return;
    }
    try {
      ask.reply(readValue(ask.method.response, this.#valueReader, bytes, view.valueStart, view.valueEnd));
    } catch (error) {
      ask.fail(error instanceof ProtocolError ? error : new ProtocolError(String(error)));
      throw error;
    }
  }

  #methodName(view: EnvelopeView): string {
    if (view.methodName === '') {
      return this.#incoming.name(view.method);
    }
    this.#incoming.bind(view.method, view.methodName);
    this.say({ message: { case: 'methodBound', value: { method: view.method } } });
    return view.methodName;
  }

  #heard({ message }: v1.LinkMessage): void {
    switch (message.case) {
      case 'hello':
        if (message.value.version !== VERSION) {
          const text = `The peer speaks version ${message.value.version} between routers, this one ${VERSION}.`;
          this.close(new ProtocolError(text), { kind: 'protocol', message: text });
          return;
        }
        this.#services.introduced(this, message.value);
        return;
      case 'methodBound':
        this.#outgoing.bound(message.value.method);
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
        this.watches.onTerminated(message.value.cUid);
        return;
      case 'pressure':
        this.pressure.heard(message.value.cUid, message.value.isFull);
        return;
      case undefined:
        throw new ProtocolError('A word between routers says nothing this version knows.');
    }
  }

  /** Bytes of a peer never throw out of the event loop: they are counted, logged, and end the link when they do not stop. */
  #misunderstood(error: unknown): void {
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

  // ---- the envelope in hand

  #begin(mode: EnvelopeMode, method: AnyMethod): EnvelopeHeader {
    const header = this.#header;
    header.clear();
    header.mode = mode;
    if (mode !== EnvelopeMode.reply) {
      header.method = this.#outgoing.number(method.fullName);
      if (!this.#outgoing.isBound(header.method)) {
        header.methodName = method.fullName;
      }
    }
    return header;
  }

  #setSender(header: EnvelopeHeader, cUid: bigint | undefined): void {
    if (cUid !== undefined) {
      header.hasFrom = true;
      header.fromLow = lowOf(cUid);
      header.fromHigh = highOf(cUid);
    }
  }

  #write(
    lane: Lane,
    header: EnvelopeHeader,
    type: AnyMethod['request'] | undefined,
    value: unknown,
    isReserved: boolean,
  ): void {
    const outbox = this.#outboxes[lane];
    outbox.write(header, type, value, isReserved);
    if (lane === Lane.control && outbox.waitingBytes > limits.controlBacklogBytes) {
      this.close(
        new UnreachableError(`${this.address} has not taken ${limits.controlBacklogBytes} bytes of control traffic.`),
      );
      return;
    }
    this.#services.flushSoon(this);
  }

  #nextCorrelation(): number {
    do {
      this.#correlation = (this.#correlation + 1) >>> 0 || 1;
    } while (this.asks.has(this.#correlation));
    return this.#correlation;
  }

  #wakeReady(): void {
    if (!this.#outboxes[Lane.data].isPastMark) {
      this.pressure.wake();
    }
  }

  #repeatWhenLossy(): void {
    if (this.#link?.isReliable === false && this.watches.needsRepeat) {
      this.#repeat ??= this.#services.scheduler.setTimer(REPEAT_MS, () => {
        this.#repeat = undefined;
        this.watches.repeat();
      });
    }
  }
}
