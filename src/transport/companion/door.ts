import { ConfigError, StoppedError } from '../../errors.js';
import { type Logger, silentLogger } from '../../logging/index.js';
import { type Entropy, type Scheduler, systemEntropy } from '../../scheduler/index.js';
import type { LinkSecurity, ListenOptions } from '../link-options.js';
import type { Companion, CompanionSettings } from './companion.js';
import { Dial, type DialOptions } from './dial.js';
import { CompanionListener } from './listener.js';

export interface DoorOptions extends ListenOptions, LinkSecurity {
  /** A real one. */
  readonly scheduler: Scheduler;
  readonly log?: Logger;
  readonly entropy?: Entropy;
}

type Introduce = CompanionSettings['introduce'];

/** Where one transport meets others: its listener, and its dials under way. Once closed it stays closed. */
export class Door {
  readonly #name: string;
  readonly #where: ListenOptions;
  readonly #settings: Omit<CompanionSettings, 'introduce'>;
  readonly #dials = new Set<Dial>();
  #listener: CompanionListener | undefined;
  #address = '';
  #isClosed = false;

  /** `name` is that of the transport, for messages. */
  constructor(name: string, options: DoorOptions) {
    const { scheduler, log = silentLogger, entropy = systemEntropy } = options;
    const { key, tls, keyless, listen, advertisedHost, socketFolder } = options;
    const security = { ...(key && { key }), ...(tls && { tls }), ...(keyless && { keyless }) };
    this.#name = name;
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

  /** Where others reach it; empty as long as it does not listen. */
  get address(): string {
    return this.#address;
  }

  /** Connections whose hello is not over. */
  get hellos(): number {
    return this.#listener?.hellos ?? 0;
  }

  get dials(): number {
    return this.#dials.size;
  }

  /** Connections turned away. */
  get refused(): number {
    return this.#listener?.refused ?? 0;
  }

  /** ConfigError when it listens already, or the address cannot be had. */
  async listen(introduce: Introduce, accept: (companion: Companion) => void): Promise<string> {
    this.assertOpen();
    if (this.#listener !== undefined) throw new ConfigError(`This transport listens at ${this.#address} already.`);
    this.#listener = new CompanionListener({ ...this.#settings, introduce }, this.#where, accept);
    try {
      this.#address = await this.#listener.open();
    } catch (error) {
      await this.stopListening();
      this.#listener = undefined;
      throw error;
    }
    return this.#address;
  }

  /** As `Dial.companion`. */
  async dial(address: string, introduce: Introduce, options: DialOptions): Promise<Companion> {
    this.assertOpen();
    const dial = new Dial(address, { ...this.#settings, introduce }, options);
    this.#dials.add(dial);
    try {
      const companion = await dial.companion();
      if (this.#isClosed) companion.socket.destroy();
      this.assertOpen();
      return companion;
    } finally {
      this.#dials.delete(dial);
    }
  }

  /** Nobody is let in any more. */
  async stopListening(): Promise<void> {
    await this.#listener?.close();
  }

  /** Nor is anybody reached; what is under way fails with StoppedError. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const dial of this.#dials) dial.stop();
    await this.stopListening();
  }

  assertOpen(): void {
    if (this.#isClosed) throw new StoppedError(`This ${this.#name} transport is closed.`);
  }
}
