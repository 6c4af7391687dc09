import { ConfigError, StoppedError } from '../../errors.js';
import { type Logger, silentLogger } from '../../logging/index.js';
import { type Entropy, type Scheduler, systemEntropy } from '../../scheduler/index.js';
import type { PeerConnection, HandshakeSettings } from './peer-connection.js';
import { Dial, type DialOptions } from './dial.js';
import type { LinkSecurity, ListenOptions } from '../link-options.js';
import type { Listener, StreamProtocol } from './stream-protocol.js';
import { assertTls } from './tls-credentials.js';
import { LiveSecurity } from './tls-files.js';

export interface ConnectionManagerOptions extends ListenOptions, LinkSecurity {
  /** A real-time scheduler. */
  readonly scheduler: Scheduler;
  readonly log?: Logger;
  readonly entropy?: Entropy;
}

type MakeHello = HandshakeSettings['makeHello'];

/** The authenticated connections of one transport: its listener, and the dials in progress. Once closed it stays closed. */
export class ConnectionManager {
  readonly #name: string;
  readonly #protocol: StreamProtocol;
  readonly #where: ListenOptions;
  readonly #settings: Omit<HandshakeSettings, 'makeHello'>;
  readonly #dials = new Set<Dial>();
  #listener: Listener | undefined;
  #address = '';
  #isClosed = false;

  /** `name`: the transport, for error messages. Throws ConfigError for certificates and keys that cannot be used. */
  constructor(name: string, protocol: StreamProtocol, options: ConnectionManagerOptions) {
    const { scheduler, log = silentLogger, entropy = systemEntropy } = options;
    const { key, tls, keyless, listen, advertisedHost, socketFolder } = options;
    if (tls !== undefined) assertTls(tls);
    // An empty key is a wrong one, not none.
    const given = { ...(key !== undefined && { key }), ...(tls && { tls }), ...(keyless && { keyless }) };
    const security = tls?.files === undefined ? given : new LiveSecurity(given, tls, tls.files, scheduler, log);
    this.#name = name;
    this.#protocol = protocol;
    this.#settings = { scheduler, log, entropy, security };
    this.#where = {
      ...(listen && { listen }),
      ...(advertisedHost && { advertisedHost }),
      ...(socketFolder && { socketFolder }),
    };
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The address that others dial. Empty while it does not listen. */
  get address(): string {
    return this.#address;
  }

  /** Accepted connections whose handshake is in progress. */
  get handshakes(): number {
    return this.#listener?.handshakes ?? 0;
  }

  get dials(): number {
    return this.#dials.size;
  }

  /** Connections that the listener has rejected. */
  get rejected(): number {
    return this.#listener?.rejected ?? 0;
  }

  /** Rejects with ConfigError when it already listens, or cannot bind the address. */
  async listen(makeHello: MakeHello, accept: (connection: PeerConnection) => void): Promise<string> {
    this.assertOpen();
    if (this.#listener !== undefined) throw new ConfigError(`This transport already listens at ${this.#address}.`);
    this.#listener = this.#protocol.listener({ ...this.#settings, makeHello }, this.#where, accept);
    try {
      this.#address = await this.#listener.open();
    } catch (error) {
      await this.stopListening();
      this.#listener = undefined;
      throw error;
    }
    return this.#address;
  }

  /** See `Dial.connect` for its errors. */
  async dial(address: string, makeHello: MakeHello, options: DialOptions): Promise<PeerConnection> {
    this.assertOpen();
    const dial = new Dial(address, { ...this.#settings, makeHello }, options, this.#protocol);
    this.#dials.add(dial);
    try {
      const connection = await dial.connect();
      if (this.#isClosed) connection.stream.destroy();
      this.assertOpen();
      return connection;
    } finally {
      this.#dials.delete(dial);
    }
  }

  /** Accepts no more connections. Those accepted stay open. */
  async stopListening(): Promise<void> {
    await this.#listener?.close();
  }

  /** Stops listening and dialing. Dials in progress fail with StoppedError. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const dial of this.#dials) dial.stop();
    await this.stopListening();
  }

  assertOpen(): void {
    if (this.#isClosed) throw new StoppedError(`This ${this.#name} transport is closed.`);
  }
}
