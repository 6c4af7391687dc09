import { existsSync } from 'node:fs';
import { ConfigError, ProtocolError, ResourceError, UnreachableError } from '../../errors.js';
import { messageOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import { silentLogger } from '../../logging/index.js';
import { type Entropy, type Scheduler, systemEntropy, type Timer } from '../../scheduler/index.js';
import type { v1 } from '../../protocol/index.js';
import {
  type Companion,
  type DialOptions,
  Door,
  type DoorOptions,
  type Introduction,
  parseAddress,
  Vigil,
} from '../companion/index.js';
import { LiveLinks } from '../live-links.js';
import type { Link, Transport } from '../transport.js';
import { Fabric } from './abi.js';
import { Blocks } from './blocks.js';
import { Engine } from './engine.js';
import { type LinkOwner, UcxLink } from './link.js';
import { type Offer, offerIn } from './offer.js';
import { UcxLibrary } from './ucx-library.js';

export interface UcxTransportOptions extends DoorOptions {
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
  readonly #door: Door;
  readonly #scheduler: Scheduler;
  readonly #entropy: Entropy;
  readonly #interfaces: readonly string[];
  /** Of links that are opened here. */
  readonly #fabric: Fabric;
  readonly #library: UcxLibrary;
  readonly #vigil: Vigil;
  readonly #links = new LiveLinks<UcxLink>();
  /** Links whose hello is not over, by what their client has said. */
  readonly #promised = new Map<v1.Introduction, { readonly link: UcxLink; readonly deadline: Timer }>();
  readonly #owner: LinkOwner;
  readonly #ungranted = new Set<UcxLink>();
  #engine: Engine | undefined;
  #linksMade = 0;

  constructor(options: UcxTransportOptions) {
    const { scheduler, log = silentLogger, entropy = systemEntropy, listen } = options;
    if (scheduler.isVirtual) throw new ConfigError('The ucx transport needs real time: use the memory transport.');
    this.#door = new Door('ucx', { ...options, ...(listen && { listen: withoutPrefix(listen) }) });
    this.#scheduler = scheduler;
    this.#entropy = entropy;
    this.#interfaces = options.interfaces ?? [];
    this.#fabric = options.fabric === 'tcp' ? Fabric.tcp : Fabric.sharedMemory;
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
      hellos: this.#door.hellos,
      dials: this.#door.dials,
      refused: this.#door.refused,
      unresponsive: this.#vigil.unresponsive,
    };
  }

  async listen(onLink: (link: Link) => void): Promise<string> {
    await this.#door.listen(
      (client) => this.#introduce(client),
      (companion) => this.#accept(companion, onLink),
    );
    return this.#address;
  }

  async connect(address: string, options: DialOptions): Promise<Link> {
    this.#door.assertOpen();
    const deadlineMs = this.#scheduler.now() + options.timeoutMs;
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
    const own = this.#open(engine, this.#fabric);
    const introduce = (): Introduction => engine.offers.introduction(this.#address, own.offer);
    try {
      const companion = await this.#door.dial(withoutPrefix(address), introduce, options);
      own.link.accompany(companion, address);
      const theirs = offerIn(companion.peer);
      engine.offers.check(theirs, own.offer);
      own.link.join(theirs.address, theirs.token);
      await this.#flowing(own.link, address, deadlineMs, options.signal);
      return own.link;
    } catch (error) {
      own.link.abort();
      throw named(error, address);
    }
  }

  flush(): void {
    this.#engine?.progress.flush();
  }

  /** Resolves when the owners of all its links were told, and what was sent has arrived or had its time (linkLingerMs). */
  async close(): Promise<void> {
    const closed = this.#door.close();
    for (const { link } of this.#promised.values()) link.abort();
    for (const link of this.#links) link.close();
    await closed;
    await this.#links.allEnded();
    this.#engine?.close();
    // In the turn after those in which the links tell their end.
    await new Promise<void>((resolve) => this.#scheduler.schedule(resolve));
  }

  /** Ends at once, as the end of the process would: peers see their links lost, and owners hear nothing. */
  async abort(): Promise<void> {
    const closed = this.#door.close();
    for (const link of this.#links) link.abort();
    await closed;
    this.#engine?.close();
  }

  // ---- opening

  get #address(): string {
    return this.#door.address === '' ? '' : `${PREFIX}${this.#door.address}`;
  }

  /** ResourceError where UCX, the shim or koffi is missing: it names what, and the command that helps. */
  #running(): Engine {
    this.#door.assertOpen();
    this.#engine ??= new Engine({
      library: this.#library,
      scheduler: this.#scheduler,
      entropy: this.#entropy,
      interfaces: this.#interfaces,
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
      throw new ProtocolError(messageOf(error), { cause: error });
    }
    const deadline = this.#scheduler.setTimer(limits.connectTimeoutMs, () => own.link.abort());
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
      if (this.#engine === undefined) this.#scheduler.schedule(() => void this.#door.stopListening());
      throw new ProtocolError(error.message, { cause: error });
    }
  }

  #accept(companion: Companion, onLink: (link: Link) => void): void {
    const promised = this.#promised.get(companion.peer);
    if (promised === undefined) return void companion.socket.destroy();
    this.#promised.delete(companion.peer);
    this.#scheduler.clearTimer(promised.deadline);
    const { link } = promised;
    if (!link.isOpen) return void companion.socket.destroy();
    link.accompany(companion, companion.peerAddress);
    onLink(link);
  }

  async #flowing(link: UcxLink, address: string, deadlineMs: number, signal: AbortSignal | undefined): Promise<void> {
    const aborted = (): void => link.abort('it was aborted');
    const tooLate = (): void => link.abort('nothing came over its rings in time');
    const timer = this.#scheduler.setTimer(Math.max(0, deadlineMs - this.#scheduler.now()), tooLate);
    signal?.addEventListener('abort', aborted);
    try {
      if (signal?.aborted === true) aborted();
      await link.flowing();
    } finally {
      this.#scheduler.clearTimer(timer);
      signal?.removeEventListener('abort', aborted);
    }
    this.#door.assertOpen();
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
    this.#ungranted.delete(link);
    for (const [client, promised] of this.#promised) {
      if (promised.link !== link) continue;
      this.#promised.delete(client);
      this.#scheduler.clearTimer(promised.deadline);
    }
    this.#links.ended(link);
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
