import { BackpressureError, Refusal, UnreachableError } from '../../errors.js';
import { namedMessageOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../logging/index.js';
import { decode } from '../../protocol/index.js';
import { CLIENT_VERSION, type CloseReason, CLOSES } from '../../protocol/client-wire/index.js';
import { toWire } from '../../protocol/errors/index.js';
import { v1 } from '../../protocol/on-demand/index.js';
import type { Scheduler, Timer } from '../../scheduler/index.js';
import type { FoundNames } from './found-names.js';
import { FrameInbox, type FrameTurns } from './frame-turns.js';
import type { GatewayLimits } from './gateway-options.js';
import { type Authenticate, checkIdentity, type Credentials, type Identity } from './identity.js';
import { type FrameSocket, Outgoing } from './outgoing.js';
import type { Policy } from './policy.js';
import { passTopic, serve, withActor } from './serve.js';
import { ServedCall, type ServedCalls } from './served-call.js';
import { forbidden, shortened, shownReason } from './shown-error.js';
import { type TopicFeeds, TopicReader } from './topic-feeds.js';

/** What the connections of one gateway share. */
export interface GatewayServices {
  readonly scheduler: Scheduler;
  readonly log: Logger;
  readonly limits: GatewayLimits;
  readonly policy: Policy;
  readonly authenticate: Authenticate;
  readonly names: FoundNames;
  readonly topics: TopicFeeds;
  readonly turns: FrameTurns;
  /** Audit: a connection that was refused or cut, and a call that no rule allows. */
  readonly rejected: (from: string, why: string) => void;
  readonly forbidden: (subject: string, what: string) => void;
}

export interface ConnectionEvents {
  /** The gateway knows who it is. */
  readonly authenticated: () => void;
  readonly over: () => void;
}

/** Streams of one client whose windows over links take `bufferBytes` together. */
const WINDOWS = 64;
const LONGEST_MS = 2 ** 31 - 1;

/**
 * One client, from its first frame to its end. It is told who it is before any other frame of it is read. A frame that is none ends the connection, a call that
 * fails does not.
 *
 *     hello --> authenticate --> welcome     or closed: `unauthenticated` where the token is wrong, `authenticationFailed` where nobody could say
 *     lookup, call, subscribe --> ServedCall --> reply, elements and end, or failure
 */
export class ClientConnection {
  readonly #socket: FrameSocket;
  readonly #services: GatewayServices;
  readonly #events: ConnectionEvents;
  readonly #credentials: Omit<Credentials, 'token'>;
  readonly #inbox: FrameInbox;
  readonly #outgoing: Outgoing;
  readonly #calls = new Map<number, ServedCall>();
  /** Calls that have no end of their own. */
  readonly #subscriptions = new Set<ServedCall>();
  /** Of these calls, tells whose actor is looked up: past the number of calls that it takes, the client's frames wait. */
  #tells = 0;
  #identity: Identity | undefined;
  #served: ServedCalls | undefined;
  #hasSaidHello = false;
  #lastCall = 0;
  #isLeaving = false;
  #isOver = false;
  #isAlive = true;
  /** Before it is known: that of its hello. Then: of its next ping. */
  #timer: Timer;
  #expiry: Timer | undefined;

  constructor(
    socket: FrameSocket,
    credentials: Omit<Credentials, 'token'>,
    services: GatewayServices,
    events: ConnectionEvents,
  ) {
    this.#socket = socket;
    this.#credentials = credentials;
    this.#services = services;
    this.#events = events;
    const { scheduler, limits: bounds } = services;
    this.#inbox = new FrameInbox(services.turns, socket, (frame) => this.#read(frame));
    this.#outgoing = new Outgoing(socket, this.#inbox, scheduler, bounds, (why) => this.cut('slowReader', why));
    this.#timer = scheduler.setTimer(bounds.authenticateMs, () => this.#late(bounds.authenticateMs));
  }

  get isAuthenticated(): boolean {
    return this.#identity !== undefined;
  }

  /** Calls that the client waits for. */
  get calls(): number {
    return this.#calls.size;
  }

  // ---- from the socket

  /** One binary message. */
  received(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#isAlive = true;
    this.#inbox.push(bytes);
  }

  #read(bytes: Uint8Array): void {
    if (this.#isOver) return;
    let frame: v1.ClientFrame['frame'];
    try {
      ({ frame } = decode(v1.ClientFrame, bytes));
    } catch (error) {
      return this.cut('badFrame', namedMessageOf(error));
    }
    if (frame.case === 'hello') void this.#hello(frame.value);
    else if (this.#served === undefined) this.cut('badFrame', 'a frame came before the welcome');
    else this.#serve(frame, this.#served);
  }

  /** The client's browser or library has answered a ping. */
  ponged(): void {
    this.#isAlive = true;
  }

  /** The socket has closed. */
  closed(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { scheduler } = this.#services;
    scheduler.clearTimer(this.#timer);
    if (this.#expiry !== undefined) scheduler.clearTimer(this.#expiry);
    this.#inbox.end();
    this.#outgoing.end();
    for (const call of this.#calls.values()) call.cancel();
    this.#events.over();
  }

  // ---- from the gateway

  /** Takes no new calls. The connection is closed when the present ones have ended; subscriptions end now. */
  goAway(): void {
    if (this.#isOver || this.#isLeaving) return;
    this.#isLeaving = true;
    if (this.#served === undefined) return this.cut('goingAway', '');
    this.#outgoing.send({ case: 'goingAway', value: { reason: 'The server is stopping.' } });
    for (const call of this.#subscriptions) call.fail(new UnreachableError('The server is stopping.'));
    this.#leaveWhenDone();
  }

  /** Closes the connection with a reason that the client and the log get. */
  cut(reason: CloseReason, why: string): void {
    if (this.#isOver) return;
    const { rejected } = this.#services;
    if (reason !== 'goingAway') rejected(this.#name, why);
    this.#socket.close(CLOSES[reason].code, shownReason(reason, why));
    this.closed();
  }

  /** Nobody knows yet who it is: it has not said so, or the login server is slow, which says nothing of its token. */
  #late(ms: number): void {
    if (this.#hasSaidHello) this.cut('authenticationFailed', `its token was not checked within ${ms} ms`);
    else this.cut('silent', `it has not said who it is within ${ms} ms`);
  }

  get #name(): string {
    const { address } = this.#credentials;
    return this.#identity === undefined ? address : `${this.#identity.subject} at ${address}`;
  }

  async #hello({ version, token }: v1.ClientHello): Promise<void> {
    if (this.#hasSaidHello) return this.cut('badFrame', 'it said hello twice');
    this.#hasSaidHello = true;
    if (version !== CLIENT_VERSION) {
      return this.cut('version', `it speaks version ${version}, and this gateway version ${CLIENT_VERSION}`);
    }
    let identity: Identity | undefined;
    try {
      identity = await this.#services.authenticate({ ...this.#credentials, token });
      if (identity !== undefined) checkIdentity(identity);
    } catch (error) {
      if (error instanceof Refusal) return this.cut('unauthenticated', `its token was refused: ${error.message}`);
      return this.cut('authenticationFailed', `its token could not be checked: ${namedMessageOf(error)}`);
    }
    if (this.#isOver) return;
    if (identity === undefined) return this.cut('unauthenticated', 'its token was refused');
    this.#welcome(identity);
  }

  #welcome(identity: Identity): void {
    const { scheduler, limits: bounds, names, log } = this.#services;
    scheduler.clearTimer(this.#timer);
    if (this.#isLeaving) return this.cut('goingAway', '');
    if (!this.#expires(identity)) return;
    this.#identity = identity;
    this.#served = {
      scheduler,
      names,
      log,
      outgoing: this.#outgoing,
      windowBytes: Math.ceil(bounds.bufferBytes / WINDOWS),
      searches: new Map(),
      meta: { ...identity.meta, client: identity.subject },
      ended: (call) => this.#ended(call),
    };
    this.#pingLater();
    this.#events.authenticated();
    const { frameBytes, calls } = bounds;
    this.#outgoing.send({ case: 'welcome', value: { version: CLIENT_VERSION, frameBytes, calls } });
  }

  /** Returns false where its time is over already. */
  #expires({ expiresAtMs }: Identity): boolean {
    if (expiresAtMs === undefined) return true;
    const { scheduler } = this.#services;
    const leftMs = expiresAtMs - (scheduler.epochMs + scheduler.now());
    const end = (): void => this.cut('unauthenticated', 'its token has expired');
    if (!(leftMs > 0)) {
      end();
      return false;
    }
    // A timer waits 24 days at most; a token that is good for longer ends then.
    this.#expiry = scheduler.setTimer(Math.min(leftMs, LONGEST_MS), end);
    return true;
  }

  #serve(frame: v1.ClientFrame['frame'], served: ServedCalls): void {
    switch (frame.case) {
      case 'lookup':
        return this.#begin(frame.value.call, 0, `the actor "${shortened(frame.value.name)}"`, served, (call) =>
          this.#lookup(call, frame.value, served),
        );
      case 'call':
        return this.#begin(
          frame.value.call,
          frame.value.credit,
          shortened(frame.value.method),
          served,
          (call) => this.#call(call, frame.value, served),
          this.#services.policy.isTell(frame.value.method),
        );
      case 'subscribe': {
        const { call: number, credit, topic } = frame.value;
        return this.#begin(number, credit, `the topic "${shortened(topic)}"`, served, (call) =>
          this.#subscribe(call, frame.value),
        );
      }
      case 'grant':
        return this.#grant(frame.value);
      case 'cancel':
        return this.#calls.get(frame.value.call)?.cancel();
      case 'ping':
        return this.#outgoing.send({ case: 'pong', value: { number: frame.value.number } });
      default:
        return this.cut('badFrame', 'a frame is of no known kind');
    }
  }

  /** Numbers grow, so that a late cancel is never that of another call. */
  #begin(
    number: number,
    credit: number,
    what: string,
    served: ServedCalls,
    run: (call: ServedCall) => void,
    isTell = false,
  ): void {
    if (number <= this.#lastCall) return this.cut('badFrame', `call ${number} came after call ${this.#lastCall}`);
    if (credit > limits.gatewayWindowItems) return this.#cutForCredit(credit);
    this.#lastCall = number;
    const refusal = this.#refusal(isTell);
    if (refusal !== undefined) {
      return this.#outgoing.send({ case: 'failure', value: { call: number, error: toWire(refusal) } });
    }
    const call = new ServedCall(number, what, credit, served, isTell);
    this.#calls.set(number, call);
    if (isTell && ++this.#tells === this.#services.limits.calls) this.#outgoing.hold();
    run(call);
  }

  #grant({ call, credit }: v1.ClientGrant): void {
    const isGranted = this.#calls.get(call)?.grant(credit) ?? true;
    if (!isGranted) this.#cutForCredit(credit);
  }

  #cutForCredit(total: number): void {
    this.cut('badFrame', `it granted ${total} elements in all, too far ahead of what was sent`);
  }

  #refusal(isTell: boolean): UnreachableError | BackpressureError | undefined {
    const { calls } = this.#services.limits;
    if (this.#isLeaving) return new UnreachableError('The gateway is stopping, and takes no new calls.');
    if (isTell || this.#calls.size - this.#tells < calls) return undefined;
    return new BackpressureError(`This client waits for ${calls} calls, which is the most.`);
  }

  #lookup(call: ServedCall, { service: typeName, name, timeoutMs }: v1.ClientLookup, served: ServedCalls): void {
    const service = this.#identity && this.#services.policy.visible(typeName, name, this.#identity);
    if (service === undefined) return this.#forbid(call);
    const deadlineMs = served.scheduler.now() + timeIn(timeoutMs);
    withActor(call, { service, name }, deadlineMs, served, () => call.reply(new Uint8Array(0)));
  }

  #call(call: ServedCall, { method, name, message, timeoutMs, credit }: v1.ClientCall, served: ServedCalls): void {
    const grant = this.#identity && this.#services.policy.callable(method, name, this.#identity);
    if (grant === undefined) return this.#forbid(call);
    serve(call, { ...grant, name }, message, timeIn(timeoutMs), Math.max(1, credit), served);
  }

  #subscribe(call: ServedCall, { type: typeName, topic }: v1.ClientSubscription): void {
    const type = this.#identity && this.#services.policy.readable(typeName, topic, this.#identity);
    if (type === undefined) return this.#forbid(call);
    const { topics, limits: bounds } = this.#services;
    const reader = new TopicReader(bounds.topicMessages);
    this.#subscriptions.add(call);
    call.onEnd(() => {
      this.#subscriptions.delete(call);
      void topics.close(type, topic, reader);
    });
    void passTopic(call, reader, topics.open(type, topic, reader));
  }

  #forbid(call: ServedCall): void {
    this.#services.forbidden(this.#name, call.what);
    call.fail(forbidden(call.what));
  }

  #ended({ call, isTell }: ServedCall): void {
    this.#calls.delete(call);
    if (isTell && this.#tells-- === this.#services.limits.calls) this.#outgoing.release();
    if (this.#isLeaving) this.#leaveWhenDone();
  }

  /** Behind what its last call sends in this turn. */
  #leaveWhenDone(): void {
    if (this.#calls.size > 0) return;
    this.#services.scheduler.schedule(() => this.cut('goingAway', 'the server is stopping'));
  }

  /** One ping at a time. While the client is not read, nothing of it can arrive: then the time for slow readers counts. */
  #pingLater(): void {
    const { scheduler, limits: bounds } = this.#services;
    this.#timer = scheduler.setTimer(bounds.pingMs, () => {
      if (!this.#isAlive && !this.#inbox.isPaused) return this.cut('silent', `it was silent for ${bounds.pingMs} ms`);
      this.#isAlive = false;
      this.#socket.ping();
      this.#pingLater();
    });
  }
}

function timeIn(timeoutMs: number): number {
  return timeoutMs === 0 ? limits.askTimeoutMs : Math.min(timeoutMs, LONGEST_MS);
}
