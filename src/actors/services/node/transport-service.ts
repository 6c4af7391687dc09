import { ConfigError } from '../../../errors.js';
import { limits } from '../../../limits.js';
import { v1 } from '../../../protocol/index.js';
import { type ActorRef, type Behavior, behavior, later } from '../../kernel/index.js';

/** Where nodes are, as far as a node knows. What it does not know it asks the primary node, once for each node. */
export class Routes {
  readonly #known: Map<number, v1.NodePlace>;
  readonly #asked = new Map<number, Promise<v1.NodePlace>>();
  readonly #primary: ActorRef<typeof v1.TransportService> | undefined;

  /** `primary`: the transport service that knows all; undefined where this is it. */
  constructor(known: ReadonlyMap<number, v1.NodePlace>, primary?: ActorRef<typeof v1.TransportService>) {
    this.#known = new Map(known);
    this.#primary = primary;
  }

  /** Rejects with ConfigError for an index that no node of the run has. */
  async to(index: number): Promise<v1.NodePlace> {
    const known = this.#known.get(index);
    if (known !== undefined) return known;
    if (this.#primary === undefined) throw new ConfigError(`No node of this run has the index ${index}.`);
    const asked = this.#asked.get(index) ?? this.#ask(this.#primary, index);
    this.#asked.set(index, asked);
    return asked;
  }

  async #ask(primary: ActorRef<typeof v1.TransportService>, index: number): Promise<v1.NodePlace> {
    try {
      const place = await primary.route({ index }, { timeoutMs: limits.controlPlaneTimeoutMs });
      this.#known.set(index, place);
      return place;
    } finally {
      this.#asked.delete(index);
    }
  }
}

/** Says where other nodes are, so that a link opens when it is first used, and nothing is all-to-all. */
export function transportService(routes: Routes): Behavior<typeof v1.TransportService, undefined> {
  return behavior(v1.TransportService, {
    supervision: { onFailure: 'resume' },
    route: (_state, { index }) => later(routes.to(index)),
  });
}
