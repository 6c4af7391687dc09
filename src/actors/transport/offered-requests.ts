import { BackpressureError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { AnyMethod } from '../../protocol/index.js';
import { type ActorSystem, type Caller, requestsIn, type Requests } from '../kernel/index.js';
import { CorrelationTable } from './correlation-table.js';
import type { PeerName } from './peer-name.js';

/** The requests of a call that goes out over a link: the envelope carries their number, and the actor opens them by it. */
export class OfferedRequests {
  readonly correlation: number;
  readonly requests: Requests;

  constructor(correlation: number, requests: Requests) {
    this.correlation = correlation;
    this.requests = requests;
  }
}

/** The requests of calls that wait for their reply, or for the end of its stream, over one link. */
export class OfferedCalls {
  readonly #system: Pick<ActorSystem, 'offer'>;
  readonly #peer: { readonly name: PeerName };
  readonly #offered = new CorrelationTable<OfferedRequests>();

  constructor(system: Pick<ActorSystem, 'offer'>, peer: { readonly name: PeerName }) {
    this.#system = system;
    this.#peer = peer;
  }

  /**
   * What an envelope carries for the message of a call: the message itself, or the number of its requests, which can be opened from now on.
   * Throws BackpressureError when too many calls over the link stream their requests.
   */
  carried(method: AnyMethod, message: unknown, caller: Caller | undefined): unknown {
    const requests = method.streamsRequests === true ? requestsIn(message) : undefined;
    if (requests === undefined) return message;
    if (this.#offered.size >= limits.linkStreams) {
      throw new BackpressureError(
        `${limits.linkStreams} calls to ${this.#peer.name.text} already stream their requests (linkStreams).`,
      );
    }
    const offered = new OfferedRequests(this.#offered.nextCorrelation(), requests);
    this.#system.offer(requests, caller, () => void this.#offered.delete(offered.correlation));
    this.#offered.add(offered);
    return offered;
  }

  /** Undefined for a call that has ended. */
  get(id: number): Requests | undefined {
    return this.#offered.get(id)?.requests;
  }

  /** The link has ended, and so have its calls. */
  close(): void {
    this.#offered.clear();
  }
}
