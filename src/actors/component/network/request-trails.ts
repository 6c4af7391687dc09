import type { Distance } from './spill-order.js';

/** A pool that was asked for a container, and had none. */
export interface Refusal {
  readonly pool: string;
  readonly why: string;
}

/** Which way a request of this process took. */
export interface RequestTrail {
  /** Full name of its rpc. */
  readonly what: string;
  readonly atMs: number;
  /** Time in ms until it had a container, or none. */
  readonly waitedMs: number;
  /** The pools that had none, in the order in which they were asked. */
  readonly refusals: readonly Refusal[];
  /** That which lent a container, and how far it is; undefined where none did. */
  readonly from:
    | { readonly pool: string; readonly distance: Distance; readonly partition: number | undefined }
    | undefined;
}

/** Requests that are kept. */
const KEPT = 50;

/** The last requests of one component: a mark is added only while somebody watches. */
export class RequestTrails {
  readonly #kept: RequestTrail[] = [];

  get all(): readonly RequestTrail[] {
    return this.#kept;
  }

  add(trail: RequestTrail): void {
    this.#kept.push(trail);
    if (this.#kept.length > KEPT) this.#kept.shift();
  }
}
