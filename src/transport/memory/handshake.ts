import { Deferred } from '../../deferred.js';
import { StoppedError, UnreachableError } from '../../errors.js';
import type { Link } from '../transport.js';
import type { Wait } from './clock.js';
import type { Endpoint, Exchange } from './exchange.js';
import type { MemoryLink } from './link.js';
import { placeOf } from './place.js';

export interface HandshakeOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * Opens one link. Faults never lose these messages. A cut delays them until it is healed.
 *
 *     client                      server
 *       | -------- hello --------> |  listens: its end of the link opens
 *       | <--- accepted/refused -- |
 */
export class Handshake {
  readonly #exchange: Exchange;
  readonly #client: Endpoint;
  readonly #address: string;
  #signal: AbortSignal | undefined;
  readonly #onOver: (handshake: Handshake) => void;
  readonly #aborted = (): void => this.#fail('was aborted', { cause: this.#signal?.reason });
  readonly #link = new Deferred<Link>();
  #isOver = false;
  #deadline: Wait | undefined;
  #transit: Wait | undefined;
  #delayed: (() => void) | undefined;
  #end: MemoryLink | undefined;

  constructor(exchange: Exchange, client: Endpoint, address: string, onOver: (handshake: Handshake) => void) {
    this.#exchange = exchange;
    this.#client = client;
    this.#address = address;
    this.#onOver = onOver;
  }

  /** Settles when the handshake is over. */
  get link(): Promise<Link> {
    return this.#link.promise;
  }

  begin(options: HandshakeOptions): void {
    const { timeoutMs, signal } = options;
    this.#signal = signal;
    if (signal?.aborted === true) return this.#aborted();
    signal?.addEventListener('abort', this.#aborted);
    const { clock } = this.#exchange.environment;
    this.#deadline = clock.after(timeoutMs, () => this.#fail(`had no answer within ${timeoutMs} ms`));
    this.#afterLatency('there', () => this.#arrive());
  }

  /** Called when the client's transport closes. */
  stop(): void {
    this.#settle();
    this.#link.reject(new StoppedError(`Connecting to ${this.#address} ended: the transport is closed.`));
  }

  #arrive(): void {
    const server = this.#exchange.find(this.#address);
    if (server === undefined || !server.isListening) {
      this.#exchange.environment.trace.refused(this.#client.address, this.#address);
      return this.#afterLatency('back', () => this.#fail('was refused: nothing listens there', { isRefused: true }));
    }
    const connection = this.#exchange.connect(this.#client, server);
    this.#end = connection.client;
    this.#afterLatency('back', () => this.#accepted(connection.client));
    server.accept(connection.server);
  }

  #accepted(end: MemoryLink): void {
    if (!end.isOpen) return this.#fail('failed: the other end has closed');
    this.#end = undefined;
    this.#settle();
    this.#link.resolve(end);
  }

  #fail(how: string, options?: { readonly cause?: unknown; readonly isRefused?: boolean }): void {
    this.#settle();
    this.#link.reject(new UnreachableError(`Connecting to ${this.#address} ${how}.`, options));
  }

  /** Calls `then` after one latency, or after a cut of this way is healed. */
  #afterLatency(way: 'there' | 'back', then: () => void): void {
    const { clock, chance } = this.#exchange.environment;
    const there = placeOf(this.#address) ?? this.#client.place;
    const faults = this.#exchange.faultsBetween(this.#client.place, there);
    this.#transit = clock.after(chance.latencyMs(faults), () => {
      const [from, to] = way === 'there' ? [this.#client.place, there] : [there, this.#client.place];
      if (!this.#exchange.isCut(from, to)) return then();
      this.#delayed = () => this.#afterLatency(way, then);
      this.#exchange.whenHealed(this.#delayed);
    });
  }

  #settle(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { clock } = this.#exchange.environment;
    clock.cancel(this.#deadline);
    clock.cancel(this.#transit);
    if (this.#delayed !== undefined) this.#exchange.forget(this.#delayed);
    this.#signal?.removeEventListener('abort', this.#aborted);
    this.#end?.close();
    this.#onOver(this);
  }
}
