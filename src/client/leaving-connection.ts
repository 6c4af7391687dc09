import { type MillraceError, UnreachableError } from '../errors.js';
import type { Timer } from '../scheduler/index.js';
import type { Frame, PendingCall, SentCalls, UndeliveredTell } from './calls-in-flight.js';
import type { Clock } from './clock.js';
import { clientFrame, gatewayFrame } from './frames.js';
import { type ClientSocket, closeQuietly } from './socket.js';

export interface LeavingOptions {
  readonly url: string;
  readonly clock: Clock;
  /** Silence in ms after which the gateway is asked whether it is there, and its time to answer. */
  readonly silentMs: number;
  readonly undelivered: (tell: UndeliveredTell) => void;
}

/** The connections of one client whose gateways go away. */
export class LeavingConnections {
  readonly #all = new Set<LeavingConnection>();

  /** Tells whose answers may still come. */
  get tells(): number {
    let tells = 0;
    for (const connection of this.#all) tells += connection.tells;
    return tells;
  }

  add(socket: ClientSocket, calls: SentCalls, options: LeavingOptions): void {
    this.#all.add(new LeavingConnection(socket, calls, options, (connection) => void this.#all.delete(connection)));
  }

  /** The one that the call was sent over. */
  with(pending: PendingCall): LeavingConnection | undefined {
    for (const connection of this.#all) if (connection.has(pending)) return connection;
    return undefined;
  }

  close(error: MillraceError): void {
    for (const connection of this.#all) connection.close(error);
  }
}

/**
 * A connection whose gateway goes away. It takes no new calls, which go to another one; the answers to those that it was sent still come over it. The gateway
 * closes it after the last of them.
 */
class LeavingConnection {
  readonly #socket: ClientSocket;
  readonly #calls: SentCalls;
  readonly #options: LeavingOptions;
  readonly #ended: (connection: LeavingConnection) => void;
  #timer: Timer;
  #hasHeard = true;

  constructor(
    socket: ClientSocket,
    calls: SentCalls,
    options: LeavingOptions,
    ended: (connection: LeavingConnection) => void,
  ) {
    this.#socket = socket;
    this.#calls = calls;
    this.#options = options;
    this.#ended = ended;
    this.#timer = this.#look();
    socket.onmessage = ({ data }: { readonly data: unknown }) => this.#receive(data);
    socket.onclose = () => this.close(new UnreachableError(`The gateway at ${options.url} has stopped.`));
  }

  get tells(): number {
    return this.#calls.tells;
  }

  has(pending: PendingCall): boolean {
    return this.#calls.has(pending);
  }

  send(frame: Frame): void {
    this.#socket.send(clientFrame(frame));
  }

  /** Its caller waits for it no more. */
  forget(pending: PendingCall): void {
    if (this.#calls.remove(pending)) this.send({ case: 'cancel', value: { call: pending.call } });
  }

  close(error: MillraceError): void {
    const { clock, undelivered } = this.#options;
    clock.clearTimer(this.#timer);
    closeQuietly(this.#socket, clock);
    this.#ended(this);
    this.#calls.fail(error, undelivered);
  }

  #receive(data: unknown): void {
    this.#hasHeard = true;
    try {
      const frame = gatewayFrame(data);
      if (frame.case === 'welcome' || frame.case === 'goingAway' || frame.case === 'pong') return;
      if (frame.case !== undefined) this.#calls.answer(frame, this.#options.undelivered);
    } catch (error) {
      this.close(new UnreachableError(`${this.#options.url} sent what is no frame.`, { cause: error }));
    }
  }

  /** Its host may be gone, which nothing else would say. */
  #look(): Timer {
    const { clock, silentMs, url } = this.#options;
    return clock.setTimer(silentMs, () => {
      if (!this.#hasHeard) {
        const why = `The connection was lost: the gateway at ${url}, which goes away, has said nothing for ${silentMs} ms.`;
        return this.close(new UnreachableError(why));
      }
      this.#hasHeard = false;
      this.send({ case: 'ping', value: { number: 0 } });
      this.#timer = this.#look();
    });
  }
}
