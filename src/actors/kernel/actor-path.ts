import { ConfigError } from '../../errors.js';
import { type ActorNode, nodeKey } from './actor-node.js';
import type { SystemReference } from './actor-tree.js';
import type { UntypedRef } from './reference.js';
import type { Route } from './route.js';

/** The path of an actor: the name of its system in this thread, and the names from a root actor down to it. */
export interface ActorPath {
  readonly system: string;
  readonly parts: readonly string[];
  /** `system://parent/child` */
  toString(): string;
}

/** The parent of an actor, which is a reference to it, or its system when it has none. */
export type ActorParent = UntypedRef | SystemReference;

const VALID_NAME = /^[a-z0-9\-$_.+!*'(),]+$/i;

/** Throws ConfigError for a name that cannot be a part of a path. */
export function checkName(name: string): void {
  if (!VALID_NAME.test(name)) {
    throw new ConfigError(`an actor cannot be named ${JSON.stringify(name)}: letters, digits and -$_.+!*'(), only`);
  }
}

class Path implements ActorPath {
  readonly system: string;
  readonly parts: readonly string[];

  constructor(system: string, parts: readonly string[]) {
    this.system = system;
    this.parts = parts;
  }

  toString(): string {
    return `${this.system}://${this.parts.join('/')}`;
  }
}

/** The last part of a path; for an actor of another partition, its channel id. */
export function routeName(route: Route): string {
  return isNode(route) ? route.name : route.cUid.toString(16);
}

/** An actor of another partition is not in the tree: its path begins with `@`, which is no valid actor name. */
export function routePath(route: Route, systemName: string): ActorPath {
  return new Path(systemName, isNode(route) ? partsOf(route) : ['@', routeName(route)]);
}

/** Undefined for an actor of another partition. */
export function routeParent(route: Route): ActorParent | undefined {
  if (!isNode(route)) return undefined;
  return route.parent === undefined ? route.tree.reference : route.parent.self;
}

/** The path of a system itself. */
export function systemPath(systemName: string): ActorPath {
  return new Path(systemName, []);
}

/** Names from the root to the node. */
function partsOf(leaf: ActorNode): string[] {
  const parts: string[] = [];
  for (let node: ActorNode | undefined = leaf; node !== undefined; node = node.parent) parts.unshift(node.name);
  return parts;
}

function isNode(route: Route): route is ActorNode {
  return nodeKey in route;
}
