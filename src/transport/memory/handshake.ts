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
 * Opens one link. None of this is ever lost by chance; what a cut holds up goes on when it is healed in time.
 *
 *     client                      server
 *       | -------- hello --------> |  listens: its end of the link opens
 *       | <--- accepted/refused -- |
 */
export class Handshake {
  readonly link: Promise<Link>;
  readonly #exchange: Exchange;
  readonly #client: Endpoint;
  readonly #address: string;
  #signal: AbortSignal | undefined;
  readonly #onOver: (handshake: Handshake) => void;
  readonly #aborted = (): void => this.#fail('was aborted', this.#signal?.reason);
  #resolve: (link: Link) => void = () => {};
  #reject: (error: Error) => void = () => {};
  #isOver = false;
  #deadline: Wait | undefined;
  #travel: Wait | undefined;
  #heldUp: (() => void) | undefined;
  #end: MemoryLink | undefined;

  constructor(exchange: Exchange, client: Endpoint, address: string, onOver: (handshake: Handshake) => void) {
    this.#exchange = exchange;
    this.#client = client;
    this.#address = address;
    this.#onOver = onOver;
    this.link = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  begin(options: HandshakeOptions): void {
    const { timeoutMs, signal } = options;
    this.#signal = signal;
    if (signal?.aborted === true) return this.#aborted();
    signal?.addEventListener('abort', this.#aborted);
    const { clock } = this.#exchange.environment;
    this.#deadline = clock.after(timeoutMs, () => this.#fail(`had no answer within ${timeoutMs} ms`));
    this.#cross(() => this.#arrive());
  }

  /** The client is closing. */
  stop(): void {
    this.#settle();
    this.#reject(new StoppedError(`Connecting to ${this.#address} ended: the transport is closed.`));
  }

  #arrive(): void {
    const server = this.#exchange.find(this.#address);
    if (server === undefined || !server.isListening) {
      this.#exchange.environment.trace.refused(this.#client.address, this.#address);
      return this.#cross(() => this.#fail('was refused: nothing listens there'));
    }
    const cable = this.#exchange.connect(this.#client, server);
    this.#end = cable.client;
    this.#cross(() => this.#accepted(cable.client));
    server.accept(cable.server);
  }

  #accepted(end: MemoryLink): void {
    if (!end.isOpen) return this.#fail('failed: the other end is gone');
    this.#end = undefined;
    this.#settle();
    this.#resolve(end);
  }

  #fail(how: string, cause?: unknown): void {
    this.#settle();
    const options = cause === undefined ? undefined : { cause };
    this.#reject(new UnreachableError(`Connecting to ${this.#address} ${how}.`, options));
  }

  /** Goes to the other side, now or when a cut between the two is healed, and does `then` there. */
  #cross(then: () => void): void {
    const { clock, chance } = this.#exchange.environment;
    const there = placeOf(this.#address) ?? this.#client.place;
    const faults = this.#exchange.faultsBetween(this.#client.place, there);
    this.#travel = clock.after(chance.latencyMs(faults), () => {
      if (!this.#exchange.isCut(this.#client.place, there)) return then();
      this.#heldUp = () => this.#cross(then);
      this.#exchange.whenHealed(this.#heldUp);
    });
  }

  #settle(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { clock } = this.#exchange.environment;
    clock.cancel(this.#deadline);
    clock.cancel(this.#travel);
    if (this.#heldUp !== undefined) this.#exchange.forget(this.#heldUp);
    this.#signal?.removeEventListener('abort', this.#aborted);
    this.#end?.close();
    this.#onOver(this);
  }
}
