import { ProtocolError } from '../../../errors.js';
import { v1 } from '../../../protocol/index.js';

/** The scope of the limit of all nodes together. A node has a name. */
const NETWORK = '';
/** The most scopes, and characters of a name: what others send has an end. */
const MOST_SCOPES = 4_096;
const MOST_CHARACTERS = 255;

/**
 * How many containers each node, and the whole network, may have, as far as somebody has said so. Processes tell each other what they know: of several limits for a
 * scope, all keep the same one, in whatever order they hear of them.
 */
export class CapacityLimits {
  readonly #limits = new Map<string, v1.CapacityLimit>();

  /** Undefined where nobody has said anything; `Infinity` where a limit was taken back. */
  ofNode(node: string): number | undefined {
    return this.#of(node);
  }

  get ofNetwork(): number | undefined {
    return this.#of(NETWORK);
  }

  /** All that it knows. */
  get all(): readonly v1.CapacityLimit[] {
    return [...this.#limits.values()];
  }

  /** `node` undefined: the network. `Infinity`: no limit any more. */
  set(node: string | undefined, containers: number): void {
    const scope = node ?? NETWORK;
    const version = (this.#limits.get(scope)?.version ?? 0) + 1;
    const given = containers === Number.POSITIVE_INFINITY ? {} : { containers };
    this.merge([v1.CapacityLimit.create({ node: scope, version, ...given })]);
  }

  /** Returns whether anything was new. Throws ProtocolError for more scopes than a network has. */
  merge(limits: readonly v1.CapacityLimit[]): boolean {
    let hasNews = false;
    for (const limit of limits) {
      const known = this.#limits.get(limit.node);
      if (!isNewer(limit, known)) continue;
      if ((known === undefined && this.#limits.size >= MOST_SCOPES) || limit.node.length > MOST_CHARACTERS) {
        throw new ProtocolError(
          `Limits are for at most ${MOST_SCOPES} nodes, with names of at most ${MOST_CHARACTERS} characters.`,
        );
      }
      this.#limits.set(limit.node, limit);
      hasNews = true;
    }
    return hasNews;
  }

  #of(scope: string): number | undefined {
    const limit = this.#limits.get(scope);
    return limit === undefined ? undefined : valueOf(limit);
  }
}

function isNewer(limit: v1.CapacityLimit, known: v1.CapacityLimit | undefined): boolean {
  if (known === undefined || limit.version !== known.version) return limit.version > (known?.version ?? 0);
  return valueOf(limit) < valueOf(known);
}

function valueOf({ containers }: v1.CapacityLimit): number {
  return containers ?? Number.POSITIVE_INFINITY;
}
