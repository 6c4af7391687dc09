import { ConfigError } from '../../errors.js';
import type { AnyService } from '../../protocol/index.js';
import type { GroupPolicy, GroupRef } from './group-reference.js';
import type { Place } from './placeable.js';
import type { ActorRef } from './reference.js';
import type { UntypedRef } from './untyped-ref.js';

/** How long a call that concerns the cluster may take. */
export interface CallBounds {
  /** Time in ms after which it rejects with AskTimeoutError. */
  readonly timeoutMs?: number | undefined;
  /** Rejects it with AskAbortedError when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** Without `timeoutMs`, a lookup takes at most 5 s. */
export interface LookupOptions extends CallBounds {}

/** Without `timeoutMs`, the control plane is waited for for 10 s. */
export interface GroupOptions<S extends AnyService> extends CallBounds {
  readonly policy?: GroupPolicy<S>;
}

/** What the context of an actor offers of its cluster. It belongs to one incarnation of the actor, and ends with it. */
export interface ClusterAccess {
  readonly place: Place;
  lookup<S extends AnyService>(service: S, name: string, options?: LookupOptions): Promise<ActorRef<S>>;
  group<S extends AnyService>(service: S, name: string, options?: GroupOptions<S>): Promise<GroupRef<S>>;
  /** Stops an actor that this incarnation has placed, with `drainMs` after its work; resolves to false for any other. */
  stopPlaced(ref: UntypedRef, drainMs: number | undefined): Promise<boolean>;
  /** The incarnation has ended: calls are given up and refused, groups are closed, and what it has placed is told to stop, unless it is detached. */
  end(): void;
}

/** Where a system of actors lives. Implemented by the runtime; a system without one has `noCluster`. */
export interface Surroundings {
  /** For the incarnation of an actor that begins to use its cluster. `path` names it in errors. */
  enter(self: UntypedRef, path: string): ClusterAccess;
}

/** The access of an actor that has no cluster: every call rejects with ConfigError, which ends with `advice`. */
export function noCluster(path: string, advice: string): ClusterAccess {
  const refuse = (what: string): Promise<never> => Promise.reject(new ConfigError(`${path} cannot ${what}: ${advice}`));
  return {
    place: () => refuse('place an actor'),
    lookup: () => refuse('look up a name'),
    group: () => refuse('use a group'),
    stopPlaced: () => Promise.resolve(false),
    end: () => {},
  };
}

/** Of a system that belongs to no runtime. */
export const NO_SURROUNDINGS: Surroundings = {
  enter: (_self, path) =>
    noCluster(
      path,
      'its actor system belongs to no runtime. Start one with Runtime.start(), and start the actor by runtime.spawn or runtime.place',
    ),
};
