import { Deferred } from '../../deferred.js';
import { ConfigError, ResourceError, StoppedError, UnreachableError } from '../../errors.js';
import { codeOf, isError, messageOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import type { Timer } from '../../scheduler/index.js';
import { isDialable, type SocketAddress, parseAddress } from '../../socket-address.js';
import type { PeerConnection, HandshakeSettings } from './peer-connection.js';
import { type Hello, initiate } from './handshake.js';
import { checkSecurity } from './security.js';
import { bindingOf, isLocalSocket } from './sockets.js';
import { tlsRemedy } from './tls-failures.js';
import { socketProtocol } from './socket-protocol.js';
import type { Dialing, StreamProtocol } from './stream-protocol.js';

/** The longest pause before the second attempt; before the third it is twice as long, and so on. */
const PAUSE_MS = 40;
/** What the system says of a connection that the other end has closed, or has had no room for. */
const CUT_OFF: readonly unknown[] = ['ECONNRESET', 'EPIPE', 'EAGAIN'];

export interface DialOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** Reaches a process: it connects, then runs the client side of the handshake. */
export class Dial {
  readonly #text: string;
  readonly #settings: HandshakeSettings;
  readonly #options: DialOptions;
  readonly #aborted = (): void => this.#fail(this.#unreachable('was aborted', this.#options.signal?.reason));
  readonly #protocol: StreamProtocol;
  #dialing: Dialing | undefined;
  #failure: Error | undefined;
  #endPause = (): void => {};
  #deadline: Timer | undefined;

  constructor(
    address: string,
    settings: HandshakeSettings,
    options: DialOptions,
    protocol: StreamProtocol = socketProtocol,
  ) {
    this.#text = address;
    this.#protocol = protocol;
    this.#settings = settings;
    this.#options = options;
  }

  /**
   * Rejects with UnreachableError when no process answers at the address, ConfigError when the security settings do not permit the
   * address, ResourceError when a package is missing that it needs, StoppedError after `stop`.
   */
  async connect(): Promise<PeerConnection> {
    const { signal, timeoutMs } = this.#options;
    const { scheduler } = this.#settings;
    try {
      const address = this.#parse();
      if (signal?.aborted === true) throw this.#unreachable('was aborted', signal.reason);
      signal?.addEventListener('abort', this.#aborted);
      this.#deadline = scheduler.setTimer(timeoutMs, () =>
        this.#fail(this.#unreachable(`had no answer within ${timeoutMs} ms`)),
      );
      return await this.#reach(address);
    } catch (error) {
      this.#dialing?.destroy();
      throw this.#failure ?? this.#explain(error);
    } finally {
      if (this.#deadline !== undefined) scheduler.clearTimer(this.#deadline);
      signal?.removeEventListener('abort', this.#aborted);
    }
  }

  /** Called when the transport closes. */
  stop(): void {
    this.#fail(new StoppedError(`Connecting to ${this.#text} ended: the transport is closed.`));
  }

  #parse(): SocketAddress {
    const address = parseAddress(this.#text);
    if (address === undefined || !isDialable(address) || !this.#protocol.schemes.includes(address.scheme)) {
      throw this.#unreachable('failed: this is not the address of a process');
    }
    checkSecurity(address, this.#settings.security);
    return address;
  }

  /** A listener under a flood of connections may close this one before it has answered. So an attempt that was cut off is repeated. */
  async #reach(address: SocketAddress): Promise<PeerConnection> {
    const own = await this.#settings.makeHello();
    for (let attempt = 1; ; attempt += 1) {
      try {
        this.#checkFailure();
        return await this.#attempt(address, own);
      } catch (error) {
        if (this.#failure !== undefined || attempt === limits.dialAttempts || !isCutOff(error)) throw error;
        this.#dialing?.destroy();
        await this.#pause(attempt);
      }
    }
  }

  async #attempt(address: SocketAddress, own: Hello): Promise<PeerConnection> {
    const { security, entropy } = this.#settings;
    this.#dialing = this.#protocol.dial(address, security);
    const { stream, socket } = await this.#dialing.connected;
    const isLocal = isLocalSocket(socket);
    const { key } = security;
    const handshake = { socket: stream, key, entropy, binding: bindingOf(socket), dialed: this.#text, hello: own };
    const { peer, unread } = await initiate(handshake);
    this.#checkFailure();
    return { stream, socket, peer, unread, isLocal, peerAddress: this.#text };
  }

  /** Waits before the next attempt: longer each time, and for a random time, so that many dialers do not come back together. */
  async #pause(attempt: number): Promise<void> {
    const { scheduler, entropy } = this.#settings;
    const [random = 0] = entropy(1);
    const over = new Deferred<void>();
    const timer = scheduler.setTimer((PAUSE_MS * attempt * (256 + random)) / 512, () => over.resolve());
    this.#endPause = () => {
      scheduler.clearTimer(timer);
      over.resolve();
    };
    await over.promise;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#dialing?.destroy();
    this.#endPause();
  }

  #checkFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #explain(error: unknown): Error {
    if (error instanceof ConfigError || error instanceof ResourceError) return error;
    if (!isError(error)) return this.#unreachable(`failed: ${messageOf(error)}`);
    if (error instanceof UnreachableError && error.message.includes(this.#text)) return error;
    const remedy = this.#tlsRemedy(error);
    if (remedy !== undefined) return this.#unreachable(`failed: ${remedy}`, error);
    const code = codeOf(error);
    const isFree = code === 'ECONNREFUSED' || code === 'ENOENT';
    const how = isFree ? 'was refused: nothing listens there' : `failed: ${error.message}`;
    return this.#unreachable(how, error, isFree || isOfOther(error));
  }

  #tlsRemedy(error: unknown): string | undefined {
    const address = parseAddress(this.#text);
    const { security } = this.#settings;
    return address && tlsRemedy(error, { address, security, isCutOff: isCutOff(error) });
  }

  #unreachable(how: string, cause?: unknown, isRefused = false): UnreachableError {
    const end = how.endsWith('.') ? '' : '.';
    return new UnreachableError(`Connecting to ${this.#text} ${how}${end}`, {
      isRefused,
      ...(cause === undefined ? {} : { cause }),
    });
  }
}

/** The connection ended without an answer. A rejection is an answer, and so is a port at which nothing listens. */
function isCutOff(error: unknown): boolean {
  return (error instanceof UnreachableError && !error.isRefused) || CUT_OFF.includes(codeOf(error));
}

/** Another process listens at the address. */
function isOfOther(error: Error): boolean {
  return error instanceof UnreachableError && error.isRefused;
}
