import type { Link } from '../transport.js';

/** One way to a peer that was tried, and not taken. */
export interface RefusedRoute {
  /** Name of its transport. */
  readonly transport: string;
  readonly address: string;
  readonly why: string;
}

const refused = new WeakMap<Link, readonly RefusedRoute[]>();

/** A link was opened after these ways had failed. */
export function openedAfter(link: Link, routes: readonly RefusedRoute[]): void {
  if (routes.length > 0) refused.set(link, routes);
}

/** The nearer ways that had failed when this link was opened, the nearest first. None for a link that its peer has opened. */
export function refusedBefore(link: Link): readonly RefusedRoute[] {
  return refused.get(link) ?? [];
}
