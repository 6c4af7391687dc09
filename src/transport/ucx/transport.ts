import { existsSync } from 'node:fs';
import { ConfigError, ProtocolError, ResourceError, StoppedError, UnreachableError } from '../../errors.js';
import { limits } from '../../limits.js';
import { type Logger, silentLogger } from '../../logging/index.js';
import { type Entropy, type Scheduler, systemEntropy, type Timer } from '../../scheduler/index.js';
import type { v1 } from '../../protocol/index.js';
import {
  type Companion,
  CompanionListener,
  type CompanionSettings,
  Dial,
  type DialOptions,
  type Introduction,
  type LinkSecurity,
  type ListenOptions,
  parseAddress,
  Vigil,
} from '../companion/index.js';
import type { Link, Transport } from '../transport.js';
import { Fabric } from './abi.js';
import { Blocks } from './blocks.js';
import { Engine } from './engine.js';
import { type LinkOwner, UcxLink } from './link.js';
import { type Offer, offerIn } from './offer.js';
import { UcxLibrary } from './ucx-library.js';

export interface UcxTransportOptions extends ListenOptions, LinkSecurity {
  /** A real one. */
  readonly scheduler: Scheduler;
  readonly log?: Logger;
  readonly entropy?: Entropy;
  /**
   * What links that this process opens use. Default `shared-memory`: both ends on one host. Links that others open use what they ask
   * for, TCP only where `interfaces` are named.
   */
  readonly fabric?: 'shared-memory' | 'tcp';
  /** Network interfaces whose every user is trusted: UCX takes what strangers send there for its own. Example: `lo`. */
  readonly interfaces?: readonly string[];
  /** Silence after which a peer is unresponsive. Default `limits.linkDeadMs`. */
  readonly linkDeadMs?: number;
  /** Shared by all transports of one thread. Default: one of its own. */
  readonly library?: UcxLibrary;
}

/** What a transport holds: all 0 once it is closed, but for what it has refused. */
export interface UcxStatistics {
  readonly links: number;
  readonly hellos: number;
  readonly dials: number;
  readonly refused: number;
  /** Links whose peers are silent. */
  readonly unresponsive: number;
}

/** Names ours among the addresses of other transports. */
const PREFIX = 'ucx+';

/** Links over UCX: shared memory on one host, TCP on trusted interfaces. UCX is loaded at the first of them. */
export class UcxTransport implements Transport {
  readonly name = 'ucx';
  readonly #options: UcxTransportOptions;
  readonly #settings: Omit<CompanionSettings, 'introduce'>;
  readonly #library: UcxLibrary;
  readonly #vigil: Vigil;
  readonly #links = new Set<UcxLink>();
  readonly #dials = new Set<Dial>();
  /** Links whose hello is not over, by what their client has said. */
  readonly #promised = new Map<v1.Introduction, { readonly link: UcxLink; readonly deadline: Timer }>();
  readonly #owner: LinkOwner;
  readonly #ungranted = new Set<UcxLink>();
  #engine: Engine | undefined;
  #listener: CompanionListener | undefined;
  #address = '';
  #linksMade = 0;
  #isClosed = false;
  #whenEmpty: (() => void) | undefined;

  constructor(options: UcxTransportOptions) {
    const { scheduler, log = silentLogger, entropy = systemEntropy, key, tls, keyless } = options;
    if (scheduler.isVirtual) throw new ConfigError('The ucx transport needs real time: use the memory transport.');
    this.#options = options;
    const security = { ...(key && { key }), ...(tls && { tls }), ...(keyless && { keyless }) };
    this.#settings = { scheduler, log, entropy, security };
    this.#vigil = new Vigil(scheduler, log, options.linkDeadMs ?? limits.linkDeadMs);
    this.#library = options.library ?? new UcxLibrary({ log });
    this.#owner = {
      scheduler,
      blocks: new Blocks(),
      vigil: this.#vigil,
      wake: () => this.#engine?.progress.wake(),
      owesGrant: (link) => {
        this.#ungranted.add(link);
        this.#engine?.progress.wake();
      },
      gone: (link) => this.#gone(link),
    };
  }

  get statistics(): UcxStatistics {
    return {
      links: this.#links.size,
      hellos: this.#listener?.hellos ?? 0,
      dials: this.#dials.size,
      refused: this.#listener?.refused ?? 0,
      unresponsive: this.#vigil.unresponsive,
    };
  }

  async listen(onLink: (link: Link) => void): Promise<string> {
    this.#assertOpen();
    if (this.#listener !== undefined) throw new ConfigError(`This transport listens at ${this.#address} already.`);
    const { listen, advertisedHost, socketFolder } = this.#options;
    const where = {
      ...(listen && { listen: withoutPrefix(listen) }),
      ...(advertisedHost && { advertisedHost }),
      ...(socketFolder && { socketFolder }),
    };
    const settings: CompanionSettings = { ...this.#settings, introduce: (client) => this.#introduce(client) };
    this.#listener = new CompanionListener(settings, where, (companion) => this.#accept(companion, onLink));
    try {
      this.#address = `${PREFIX}${await this.#listener.open()}`;
    } catch (error) {
      await this.#listener.close();
      this.#listener = undefined;
      throw error;
    }
    return this.#address;
  }

  async connect(address: string, options: DialOptions): Promise<Link> {
    this.#assertOpen();
    const { scheduler } = this.#settings;
    const deadlineMs = scheduler.now() + options.timeoutMs;
    const there = address.startsWith(PREFIX) ? parseAddress(withoutPrefix(address)) : undefined;
    if (there === undefined) {
      throw new UnreachableError(`Connecting to ${address} failed: this is no address of the ucx transport.`);
    }
    // Of another host, or gone: UCX need not be troubled.
    if (there.scheme === 'unix' && !existsSync(there.path)) {
      throw new UnreachableError(`Connecting to ${address} was refused: nothing listens there.`);
    }
    if (options.signal?.aborted === true) {
      throw new UnreachableError(`Connecting to ${address} was aborted.`, { cause: options.signal.reason });
    }
    const engine = this.#running();
    const own = this.#open(engine, this.#options.fabric === 'tcp' ? Fabric.tcp : Fabric.sharedMemory);
    const introduce = (): Introduction => engine.offers.introduction(this.#address, own.offer);
    const dial = new Dial(withoutPrefix(address), { ...this.#settings, introduce }, options);
    this.#dials.add(dial);
    try {
      const companion = await dial.companion();
      own.link.accompany(companion, address);
      this.#assertOpen();
      const theirs = offerIn(companion.peer);
      engine.offers.check(theirs, own.offer);
      own.link.join(theirs.address, theirs.token);
      await this.#flowing(own.link, address, deadlineMs, options.signal);
      return own.link;
    } catch (error) {
      own.link.abort();
      throw named(error, address);
    } finally {
      this.#dials.delete(dial);
    }
  }

  flush(): void {
    this.#engine?.progress.flush();
  }

  /** Resolves when the owners of all its links were told, and what was sent has arrived or had its time (linkLingerMs). */
  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      for (const dial of this.#dials) dial.stop();
      for (const { link } of this.#promised.values()) link.abort();
      for (const link of this.#links) link.close();
    }
    await this.#listener?.close();
    await this.#empty();
    this.#engine?.close();
    // In the turn after those in which the links tell their end.
    await new Promise<void>((resolve) => this.#settings.scheduler.schedule(resolve));
  }

  /** Ends at once, as the end of the process would: peers see their links lost, and owners hear nothing. */
  async abort(): Promise<void> {
    this.#isClosed = true;
    for (const dial of this.#dials) dial.stop();
    for (const link of this.#links) link.abort();
    await this.#listener?.close();
    this.#engine?.close();
  }

  // ---- opening

  /** ResourceError where UCX, the shim or koffi is missing: it names what, and the command that helps. */
  #running(): Engine {
    this.#assertOpen();
    const { scheduler, entropy } = this.#settings;
    this.#engine ??= new Engine({
      library: this.#library,
      scheduler,
      entropy,
      interfaces: this.#options.interfaces ?? [],
      afterTurn: (hasNews) => this.#afterTurn(hasNews),
    });
    return this.#engine;
  }

  #open({ offers }: Engine, fabric: Fabric): { readonly link: UcxLink; readonly offer: Offer } {
    const { seat, offer } = offers.make(fabric);
    this.#linksMade += 1;
    const link = new UcxLink(this.#linksMade, seat, this.#owner);
    this.#links.add(link);
    return { link, offer };
  }

  /** The listener's half of a hello: the client is known by now, and so it may be joined to. */
  #introduce(client: v1.Introduction | undefined): Introduction {
    if (client === undefined) throw new ProtocolError('The ucx transport answers clients only.');
    const theirs = offerIn(client);
    const { engine, ...own } = this.#openFor(theirs);
    try {
      engine.offers.check(theirs, own.offer);
      own.link.join(theirs.address, theirs.token);
    } catch (error) {
      own.link.abort();
      throw new ProtocolError(error instanceof Error ? error.message : String(error), { cause: error });
    }
    const deadline = this.#settings.scheduler.setTimer(limits.connectTimeoutMs, () => own.link.abort());
    this.#promised.set(client, { link: own.link, deadline });
    return engine.offers.introduction(this.#address, own.offer);
  }

  #openFor(theirs: Offer): { readonly engine: Engine; readonly link: UcxLink; readonly offer: Offer } {
    try {
      const engine = this.#running();
      return { engine, ...this.#open(engine, theirs.fabric) };
    } catch (error) {
      if (!(error instanceof ResourceError)) throw error;
      // Nobody else needs to come, once this one was told.
      if (this.#engine === undefined) this.#settings.scheduler.schedule(() => void this.#listener?.close());
      throw new ProtocolError(error.message, { cause: error });
    }
  }

  #accept(companion: Companion, onLink: (link: Link) => void): void {
    const promised = this.#promised.get(companion.peer);
    if (promised === undefined) return void companion.socket.destroy();
    this.#promised.delete(companion.peer);
    this.#settings.scheduler.clearTimer(promised.deadline);
    const { link } = promised;
    if (!link.isOpen) return void companion.socket.destroy();
    link.accompany(companion, companion.peerAddress);
    onLink(link);
  }

  async #flowing(link: UcxLink, address: string, deadlineMs: number, signal: AbortSignal | undefined): Promise<void> {
    const { scheduler } = this.#settings;
    const aborted = (): void => link.abort('it was aborted');
    const tooLate = (): void => link.abort('nothing came over its rings in time');
    const timer = scheduler.setTimer(Math.max(0, deadlineMs - scheduler.now()), tooLate);
    signal?.addEventListener('abort', aborted);
    try {
      if (signal?.aborted === true) aborted();
      await link.flowing();
    } finally {
      scheduler.clearTimer(timer);
      signal?.removeEventListener('abort', aborted);
    }
    this.#assertOpen();
    if (link.isOpen) return;
    const reason = link.endReason?.kind === 'closed' ? 'it was closed' : link.endReason?.message;
    throw new UnreachableError(`Connecting to ${address} failed: ${reason ?? 'the link has ended'}.`, {
      cause: signal?.reason,
    });
  }

  // ---- turns

  /** Grants what was read: at once where it is much, otherwise when nothing else is to be done. */
  #afterTurn(hasNews: boolean): boolean {
    let hasGranted = false;
    for (const link of this.#ungranted) {
      if (hasNews && !link.mustGrant) continue;
      this.#ungranted.delete(link);
      if (!link.hasUngranted) continue;
      link.grant();
      hasGranted = true;
    }
    return hasGranted;
  }

  // ---- ending

  #gone(link: UcxLink): void {
    this.#links.delete(link);
    this.#ungranted.delete(link);
    for (const [client, promised] of this.#promised) {
      if (promised.link !== link) continue;
      this.#promised.delete(client);
      this.#settings.scheduler.clearTimer(promised.deadline);
    }
    if (this.#links.size === 0) this.#whenEmpty?.();
  }

  async #empty(): Promise<void> {
    if (this.#links.size === 0) return;
    await new Promise<void>((resolve) => {
      const before = this.#whenEmpty;
      this.#whenEmpty = () => {
        before?.();
        resolve();
      };
    });
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new StoppedError('This ucx transport is closed.');
  }
}

function withoutPrefix(address: string): string {
  return address.startsWith(PREFIX) ? address.slice(PREFIX.length) : address;
}

/** Errors name the address as it was given. */
function named(error: unknown, address: string): unknown {
  if (!(error instanceof UnreachableError) || error.message.includes(address)) {
    if (!(error instanceof ProtocolError)) return error;
    return new UnreachableError(`Connecting to ${address} failed: ${error.message}`, { cause: error });
  }
  const message = error.message.replace(withoutPrefix(address), address);
  return new UnreachableError(message, error.cause === undefined ? {} : { cause: error.cause });
}
