import type { CloseReason } from '../transport.js';
import type { Wait } from './clock.js';
import type { Environment } from './environment.js';
import type { Faults } from './faults.js';
import type { Endpoint } from './exchange.js';
import { MemoryLink } from './link.js';
import type { Place } from './place.js';

/** What an end that is cut off waits for. */
interface Silence {
  readonly sinceMs: number;
  readonly deadline: Wait;
}

/** A close in transit, from the end that has closed to the other end. */
interface PendingClose {
  readonly from: MemoryLink;
  readonly to: MemoryLink;
  readonly reason: CloseReason;
  dueMs: number;
}

export interface VirtualConnectionOptions {
  /** Unique in the network. */
  readonly number: number;
  readonly client: Endpoint;
  readonly server: Endpoint;
  readonly faults: Faults;
  readonly environment: Environment;
  /** Called when both ends have closed. */
  readonly onGone: (connection: VirtualConnection) => void;
}

/**
 * The connection between the two ends of one link. It can be cut and healed, and it carries a close from one end to the other.
 *
 *     close:  frames sent before arrive first, then the other end closes; a transport that closes waits for that, up to `linkLingerMs`
 *     crash:  frames of the crashed end are lost, the other end closes as lost
 *     cut:    nothing passes, in both directions or in one; if healed in time, traffic continues; otherwise each end that hears
 *             nothing closes as lost after its time. When only one has by then, the other still gets what was in flight to it, late,
 *             as a socket sends again with growing pauses, and then closes as lost
 */
export class VirtualConnection {
  readonly client: MemoryLink;
  readonly server: MemoryLink;
  readonly #options: VirtualConnectionOptions;
  /** The ends that what the other sends does not reach. */
  readonly #silences = new Map<MemoryLink, Silence>();
  /** One end has given up during the cut. */
  #isGivenUp = false;
  #isGone = false;
  #pendingClose: PendingClose | undefined;
  #pendingCloseWait: Wait | undefined;

  constructor(options: VirtualConnectionOptions) {
    this.#options = options;
    const { client, server } = options;
    this.client = this.#makeEnd(client, server, () => this.server);
    this.server = this.#makeEnd(server, client, () => this.client);
    client.links.began(this.client);
    server.links.began(this.server);
  }

  get clientPlace(): Place {
    return this.#options.client.place;
  }

  get serverPlace(): Place {
    return this.#options.server.place;
  }

  /** From now on, what the other end sends reaches exactly those ends that are not cut off. */
  cut(isCutOff: { readonly client: boolean; readonly server: boolean }): void {
    if (this.#isGone) return;
    this.#silence(this.client, isCutOff.client, this.#options.client.linkDeadMs);
    this.#silence(this.server, isCutOff.server, this.#options.server.linkDeadMs);
    const { clock, chance } = this.#options.environment;
    const healed = [...this.#silences].filter(([end]) => !(end === this.client ? isCutOff.client : isCutOff.server));
    if (healed.length === 0) return;
    const sinceMs = Math.min(...healed.map(([, silence]) => silence.sinceMs));
    const lateMs = this.#isGivenUp ? chance.resendMs(clock.now() - sinceMs) : 0;
    for (const [end, { deadline }] of healed) {
      clock.cancel(deadline);
      this.#silences.delete(end);
      this.#peerOf(end).resume(lateMs + this.#latencyMs());
      if (this.#pendingClose?.to === end) this.#sendClose(this.#pendingClose);
    }
  }

  #silence(end: MemoryLink, isCutOff: boolean, linkDeadMs: number): void {
    if (!isCutOff || this.#silences.has(end)) return;
    const { clock } = this.#options.environment;
    const deadline = clock.after(linkDeadMs, () => this.#giveUp(end, linkDeadMs));
    this.#silences.set(end, { sinceMs: clock.now(), deadline });
  }

  crash(link: MemoryLink): void {
    link.discard();
    link.endSilently();
    this.#endFrom(link, { kind: 'lost', message: `${this.#peerOf(link).peerAddress} crashed` });
  }

  #makeEnd(owner: Endpoint, far: Endpoint, peer: () => MemoryLink | undefined): MemoryLink {
    const end = new MemoryLink({
      id: owner.nextLinkId(),
      direction: { number: this.#options.number, from: owner.address, to: far.address },
      faults: this.#options.faults,
      environment: this.#options.environment,
      connection: {
        isCut: () => this.#silences.has(this.#peerOf(end)),
        peer,
        closed: (reason) => this.#endFrom(end, reason),
        expired: () => this.#expire(end),
        arrived: () => this.#tryClose(),
      },
      owner: owner.links,
    });
    return end;
  }

  /** `from` has closed. The other end closes after the frames in transit have arrived. */
  #endFrom(from: MemoryLink, reason: CloseReason): void {
    const to = this.#peerOf(from);
    if (to.isOpen) this.#sendClose({ from, to, reason, dueMs: 0 });
    else this.#retire();
  }

  /** The process of `from` does not wait any longer. What the other end has not taken is lost, as when a socket is destroyed. */
  #expire(from: MemoryLink): void {
    from.discard();
    if (this.#pendingClose === undefined) return;
    const { to } = this.#pendingClose;
    this.#pendingClose = { from, to, reason: { kind: 'lost', message: `${to.peerAddress} has stopped` }, dueMs: 0 };
    this.#tryClose();
  }

  #sendClose(pending: PendingClose): void {
    const { clock } = this.#options.environment;
    const delayMs = this.#latencyMs();
    pending.dueMs = clock.now() + delayMs;
    this.#pendingClose = pending;
    clock.cancel(this.#pendingCloseWait);
    this.#pendingCloseWait = clock.after(delayMs, () => this.#tryClose());
  }

  #tryClose(): void {
    const pending = this.#pendingClose;
    if (pending === undefined || this.#silences.has(pending.to)) return;
    if (this.#options.environment.clock.now() < pending.dueMs) return;
    if (pending.from.framesInFlight > 0) return;
    pending.to.end(pending.reason);
    this.#retire();
  }

  /** One end has waited for its time. The other end may still be open when the connection is healed. */
  #giveUp(link: MemoryLink, linkDeadMs: number): void {
    if (!link.isOpen) return;
    this.#isGivenUp = true;
    link.end(silence(link, linkDeadMs));
    this.#endFrom(link, { kind: 'lost', message: `${this.#peerOf(link).peerAddress} has given the link up` });
  }

  #retire(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    const { clock } = this.#options.environment;
    for (const { deadline } of this.#silences.values()) clock.cancel(deadline);
    clock.cancel(this.#pendingCloseWait);
    this.#pendingClose = undefined;
    this.client.discard();
    this.server.discard();
    this.#options.onGone(this);
  }

  #peerOf(link: MemoryLink): MemoryLink {
    return link === this.client ? this.server : this.client;
  }

  #latencyMs(): number {
    return this.#options.environment.chance.latencyMs(this.#options.faults);
  }
}

function silence({ peerAddress }: MemoryLink, linkDeadMs: number): CloseReason {
  return { kind: 'lost', message: `${peerAddress}: nothing received for ${linkDeadMs} ms: the link was cut` };
}
