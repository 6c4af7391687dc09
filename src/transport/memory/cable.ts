import type { CloseReason } from '../transport.js';
import type { Wait } from './clock.js';
import type { Environment } from './environment.js';
import type { Faults } from './faults.js';
import type { Endpoint } from './exchange.js';
import { MemoryLink } from './link.js';
import type { Place } from './place.js';

/** The end of a link, on its way from the end that is over to the one that does not know yet. */
interface Ending {
  readonly from: MemoryLink;
  readonly to: MemoryLink;
  readonly reason: CloseReason;
  dueMs: number;
}

export interface CableOptions {
  /** Unique in the network. */
  readonly number: number;
  readonly client: Endpoint;
  readonly server: Endpoint;
  readonly faults: Faults;
  readonly environment: Environment;
  /** Both ends are over. */
  readonly onGone: (cable: Cable) => void;
}

/**
 * What lies between the two ends of one link: whether it is cut, and how its end is told.
 *
 *     close:  frames sent before land first, then the other end closes
 *     crash:  frames of the dead end are lost, the other end closes as lost
 *     cut:    nothing passes; healed in time, all goes on; otherwise both ends close as lost
 */
export class Cable {
  readonly client: MemoryLink;
  readonly server: MemoryLink;
  readonly #options: CableOptions;
  #isCut = false;
  #isGone = false;
  #deadline: Wait | undefined;
  #ending: Ending | undefined;
  #endingWait: Wait | undefined;

  constructor(options: CableOptions) {
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

  cut(): void {
    if (this.#isCut || this.#isGone) return;
    const { clock, linkDeadMs } = this.#options.environment;
    this.#isCut = true;
    this.#deadline = clock.after(linkDeadMs, () => this.#die());
  }

  heal(): void {
    if (!this.#isCut) return;
    const { clock } = this.#options.environment;
    this.#isCut = false;
    clock.cancel(this.#deadline);
    this.client.resume(this.#latencyMs());
    this.server.resume(this.#latencyMs());
    if (this.#ending !== undefined) this.#sendEnding(this.#ending);
  }

  crash(link: MemoryLink): void {
    link.discard();
    link.endInSilence();
    this.#endFrom(link, { kind: 'lost', message: `${this.#peerOf(link).peerAddress} crashed` });
  }

  #makeEnd(owner: Endpoint, far: Endpoint, peer: () => MemoryLink | undefined): MemoryLink {
    const end = new MemoryLink({
      id: owner.nextLinkId(),
      direction: { number: this.#options.number, from: owner.address, to: far.address },
      faults: this.#options.faults,
      environment: this.#options.environment,
      cable: {
        isCut: () => this.#isCut,
        peer,
        closed: (reason) => this.#endFrom(end, reason),
        landed: () => this.#tryEnding(),
      },
      owner: owner.links,
    });
    return end;
  }

  /** `from` is over; the other end learns it after the frames that are on their way. */
  #endFrom(from: MemoryLink, reason: CloseReason): void {
    const to = this.#peerOf(from);
    if (to.isOpen) this.#sendEnding({ from, to, reason, dueMs: 0 });
    else this.#retire();
  }

  #sendEnding(ending: Ending): void {
    const { clock } = this.#options.environment;
    const delayMs = this.#latencyMs();
    ending.dueMs = clock.now() + delayMs;
    this.#ending = ending;
    clock.cancel(this.#endingWait);
    this.#endingWait = clock.after(delayMs, () => this.#tryEnding());
  }

  #tryEnding(): void {
    const ending = this.#ending;
    if (ending === undefined || this.#isCut || this.#options.environment.clock.now() < ending.dueMs) return;
    if (ending.from.framesInFlight > 0) return;
    ending.to.end(ending.reason);
    this.#retire();
  }

  #die(): void {
    const silence = `nothing heard for ${this.#options.environment.linkDeadMs} ms: the link was cut`;
    for (const link of [this.client, this.server]) {
      link.end({ kind: 'lost', message: `${link.peerAddress}: ${silence}` });
    }
    this.#retire();
  }

  #retire(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    const { clock } = this.#options.environment;
    clock.cancel(this.#deadline);
    clock.cancel(this.#endingWait);
    this.#ending = undefined;
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
