import { BackpressureError, MillraceError, ProtocolError, StoppedError, UnreachableError } from '../errors.js';
import { AbortListeners } from '../abort-listeners.js';
import { limits } from '../limits.js';
import type { AnyMethod } from '../protocol/index.js';
import { CLIENT_VERSION } from '../protocol/client-wire/index.js';
import type { v1 } from '../protocol/on-demand/index.js';
import type { Timer } from '../scheduler/index.js';
import { failureOf } from './call-failure.js';
import { type Frame, type PendingCall, SentCalls, type UndeliveredTell } from './calls-in-flight.js';
import type { Clock } from './clock.js';
import { lossOf, type Token, tokenOf } from './connection-loss.js';
import {
  type ConnectionEffect,
  type ConnectionEvent,
  type ConnectionState,
  type ConnectionTimes,
  type ClientState,
  nextStep,
  shownState,
} from './connection-state.js';
import { clientFrame, gatewayFrame } from './frames.js';
import { LeavingConnections } from './leaving-connection.js';
import { type ClientSocket, closeQuietly, OPEN, saidBy } from './socket.js';

export interface SessionOptions {
  readonly url: string;
  readonly token: Token;
  readonly clock: Clock;
  readonly times: ConnectionTimes;
  /** Begins to open a WebSocket. */
  readonly dial: (url: string) => Promise<ClientSocket>;
  readonly changed: (state: ClientState, error: MillraceError | undefined) => void;
  readonly undelivered: (tell: UndeliveredTell) => void;
}

/** A timer that is later than this, in ms, has not only waited for its turn. */
const SLEPT_MS = 2_000;
/**
 * One client's connection, opened again and again, and the calls over it. A call that was sent is never sent again; one that was not waits for the
 * connection until its deadline.
 */
export class Session {
  readonly clock: Clock;
  readonly signals = new AbortListeners();
  readonly url: string;
  readonly #options: SessionOptions;
  #state: ConnectionState = { phase: 'idle' };
  #socket: ClientSocket | undefined;
  /** Counts the sockets: what an earlier one brings is dropped. */
  #dials = 0;
  #timer: Timer | undefined;
  #frameBytes = Number.POSITIVE_INFINITY;
  #mostCalls: number = limits.gatewayCalls;
  /** What waits for a connection, in its order. */
  readonly #waiting = new Set<PendingCall>();
  #sent = new SentCalls();
  readonly #leaving = new LeavingConnections();

  constructor(options: SessionOptions) {
    this.#options = options;
    this.clock = options.clock;
    this.url = options.url;
  }

  get state(): ClientState {
    return shownState(this.#state);
  }

  /** Why there is no connection. */
  get error(): MillraceError | undefined {
    return 'error' in this.#state ? this.#state.error : undefined;
  }

  start(): void {
    this.#on({ kind: 'start' });
  }

  close(): void {
    this.#on({ kind: 'close' });
  }

  wake(): void {
    this.#on({ kind: 'wake' });
  }

  // ---- calls

  /** Sends a call now, or when there is a connection. Throws BackpressureError past the bounds, StoppedError when the client is closed. */
  call(pending: PendingCall): void {
    if (this.#state.phase === 'closed') throw this.#closedError();
    if (this.#waiting.size + this.#sent.size >= this.#mostCalls) {
      throw new BackpressureError(
        `${this.#mostCalls} calls of this client wait for ${this.url}, which is the most: wait for some of them.`,
      );
    }
    if (this.#takesCalls) {
      this.#assertRoom();
      this.#sendFirst(pending);
    } else {
      this.#waiting.add(pending);
    }
  }

  /** Returns false past 3/4 of a bound. Throws UnreachableError while there is no connection. */
  tell(method: AnyMethod, open: (call: number) => Frame): boolean {
    if (this.#state.phase === 'closed') throw this.#closedError();
    if (!this.#takesCalls) {
      throw new UnreachableError(`${method.fullName} was not sent: ${this.whyUnsent()}`, { isUnsent: true });
    }
    this.#assertRoom();
    const tells = this.#sent.tells + this.#leaving.tells;
    if (tells >= limits.clientTells) {
      throw new BackpressureError(
        `${limits.clientTells} tells wait for ${this.url}, which is the most: send again later.`,
      );
    }
    const call = this.#sent.nextNumber();
    this.#sendCall(open(call));
    this.#sent.told(call, method);
    const bytes = this.#socket?.bufferedAmount ?? 0;
    return bytes < (limits.clientBufferBytes * 3) / 4 && tells + 1 < (limits.clientTells * 3) / 4;
  }

  /** Its caller waits for it no more. */
  forget(pending: PendingCall): void {
    if (this.#waiting.delete(pending)) return;
    if (this.#sent.remove(pending)) this.#send({ case: 'cancel', value: { call: pending.call } });
    else this.#leaving.with(pending)?.forget(pending);
  }

  /** Dropped where the connection of the call is gone, which has failed it. */
  grant(pending: PendingCall, credit: number): void {
    const frame = { case: 'grant', value: { call: pending.call, credit } } as const;
    if (this.#sent.has(pending)) this.#send(frame);
    else this.#leaving.with(pending)?.send(frame);
  }

  /** Why a call waits. */
  whyUnsent(): string {
    const { error } = this;
    const why = error === undefined ? '' : ` ${error.message}`;
    return `there is no connection to ${this.url}.${why}`;
  }

  get #takesCalls(): boolean {
    return this.#state.phase === 'open' && this.#socket?.readyState === OPEN;
  }

  #closedError(): MillraceError {
    const { error } = this;
    return error instanceof StoppedError || error === undefined
      ? new StoppedError('The client is closed: connect again for another one.')
      : error;
  }

  #assertRoom(): void {
    const waiting = this.#socket?.bufferedAmount ?? 0;
    if (waiting < limits.clientBufferBytes) return;
    throw new BackpressureError(`${waiting} bytes wait for the connection to ${this.url}: send again later.`);
  }

  #sendFirst(pending: PendingCall): void {
    pending.call = this.#sent.nextNumber();
    this.#sendCall(pending.open(pending.call));
    this.#sent.add(pending);
  }

  /** Throws ProtocolError for a frame that is larger than the gateway takes. */
  #sendCall(frame: Frame): void {
    const bytes = clientFrame(frame);
    if (bytes.byteLength > this.#frameBytes) {
      throw new ProtocolError(
        `The message takes ${bytes.byteLength} bytes, and the gateway takes ${this.#frameBytes}.`,
      );
    }
    this.#socket?.send(bytes);
  }

  #send(frame: Frame): void {
    this.#socket?.send(clientFrame(frame));
  }

  // ---- the connection

  #on(event: ConnectionEvent): void {
    const before = this.state;
    const { state, effects } = nextStep(this.#state, event, this.#options.times, this.clock.random());
    this.#state = state;
    for (const effect of effects) this.#apply(effect);
    if (event.kind === 'welcome') this.#sendWaiting();
    if (this.state !== before) this.#options.changed(this.state, this.error);
  }

  #apply(effect: ConnectionEffect): void {
    switch (effect.kind) {
      case 'dial':
        return void this.#dial();
      case 'hello':
        return void this.#hello();
      case 'ping':
        return this.#send({ case: 'ping', value: { number: 0 } });
      case 'setTimer':
        this.#stopTimer();
        this.#timer = this.clock.setTimer(effect.ms, () => this.#fired());
        return undefined;
      case 'stopTimer':
        return this.#stopTimer();
      case 'drop':
        return this.#drop();
      case 'failSent':
        return this.#takeSent().fail(effect.error, this.#options.undelivered);
      case 'failAll':
        return this.#failAll(effect.error);
      case 'handOver':
        return this.#handOver();
    }
  }

  /** A timer that fires much too late has slept, with all of this page: what has arrived meanwhile was not read yet. */
  #fired(): void {
    const lateMs = this.clock.now() - (this.#timer?.atMs ?? 0);
    const hasSlept = lateMs > SLEPT_MS && this.#state.phase === 'open';
    this.#on({ kind: hasSlept ? 'wake' : 'timer' });
  }

  async #dial(): Promise<void> {
    const dial = ++this.#dials;
    const { url } = this;
    const isOurs = (): boolean => dial === this.#dials;
    let said = '';
    try {
      const socket = await this.#options.dial(url);
      if (!isOurs()) return closeQuietly(socket, this.clock);
      this.#socket = socket;
      socket.binaryType = 'arraybuffer';
      socket.onopen = () => isOurs() && this.#on({ kind: 'opened' });
      socket.onerror = (event) => {
        said = saidBy(event);
      };
      socket.onclose = ({ code, reason }: { readonly code: number; readonly reason: string }) => {
        if (isOurs()) this.#lost(lossOf(url, { code, reason, said }, this.#options.token));
      };
      socket.onmessage = ({ data }: { readonly data: unknown }) => isOurs() && this.#receive(data);
    } catch (error) {
      if (!isOurs()) return;
      const isFinal = error instanceof MillraceError;
      this.#lost({
        error: isFinal ? error : new UnreachableError(`${url} cannot be dialed.`, { cause: error }),
        isFinal,
      });
    }
  }

  async #hello(): Promise<void> {
    const dial = this.#dials;
    try {
      const token = await tokenOf(this.#options.token);
      if (dial !== this.#dials) return;
      this.#send({ case: 'hello', value: { version: CLIENT_VERSION, token } });
    } catch (cause) {
      if (dial !== this.#dials) return;
      this.#lost({
        error: new UnreachableError(`The token for ${this.url} was not given. ${saidBy(cause)}`, { cause }),
        isFinal: false,
      });
    }
  }

  #lost(loss: { readonly error: MillraceError; readonly isFinal: boolean }): void {
    this.#on({ kind: 'lost', ...loss });
  }

  #receive(data: unknown): void {
    let frame: v1.GatewayFrame['frame'];
    try {
      frame = gatewayFrame(data);
    } catch (error) {
      const { message } = failureOf('The frame', error);
      return this.#lost({
        error: new UnreachableError(`${this.url} sent what is no frame. ${message}`),
        isFinal: false,
      });
    }
    this.#on({ kind: 'heard' });
    if (frame.case === 'welcome') this.#welcome(frame.value);
    else if (frame.case === 'goingAway') this.#on({ kind: 'goingAway' });
    else if (frame.case !== undefined && frame.case !== 'pong') this.#sent.answer(frame, this.#options.undelivered);
  }

  #welcome({ version, frameBytes, calls }: v1.GatewayWelcome): void {
    const isRight = this.#state.phase === 'connecting' && version === CLIENT_VERSION && frameBytes > 0 && calls > 0;
    if (!isRight) {
      const error = new UnreachableError(`${this.url} sent a welcome that is none.`);
      return this.#lost({ error, isFinal: false });
    }
    [this.#frameBytes, this.#mostCalls] = [frameBytes, calls];
    this.#on({ kind: 'welcome' });
  }

  /** The calls that have waited for a connection, in their order. */
  #sendWaiting(): void {
    const calls = [...this.#waiting];
    this.#waiting.clear();
    for (const pending of calls) {
      try {
        this.#sendFirst(pending);
      } catch (error) {
        pending.fail(failureOf('The request', error));
      }
    }
  }

  #drop(): void {
    const socket = this.#takeSocket();
    if (socket !== undefined) closeQuietly(socket, this.clock);
  }

  /** The gateway goes away: the answers to what it was sent still come, and all else goes to another one. */
  #handOver(): void {
    const { url, clock } = this;
    const socket = this.#takeSocket();
    const calls = this.#takeSent();
    if (socket === undefined) return;
    const { times, undelivered } = this.#options;
    const silentMs = times.heartbeatMs + times.pongMs;
    this.#leaving.add(socket, calls, { url, clock, silentMs, undelivered });
  }

  /** Nothing more is heard of it here. */
  #takeSocket(): ClientSocket | undefined {
    const socket = this.#socket;
    this.#dials++;
    this.#socket = undefined;
    return socket;
  }

  /** The next connection numbers calls anew. */
  #takeSent(): SentCalls {
    const sent = this.#sent;
    this.#sent = new SentCalls();
    return sent;
  }

  #failAll(error: MillraceError): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    this.#takeSent().fail(error, this.#options.undelivered);
    this.#leaving.close(error);
    for (const pending of waiting) pending.fail(error);
  }

  #stopTimer(): void {
    if (this.#timer !== undefined) this.clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }
}
