import { ConfigError } from '../../errors.js';
import { shownValue } from '../../foreign.js';
import { nodeOf, rootSystemOf } from '../kernel/index.js';
import { NactActor } from './actor.js';
import type { ActorContext } from './context.js';
import {
  type ActorFunc,
  type ActorProps,
  checkSpawn,
  type StatelessActorFunc,
  type StatelessActorProps,
} from './properties.js';
import { type ActorReference, type Parent } from './reference.js';
import { verdicts } from './supervision.js';

/**
 * Starts an actor, as nact's `spawn`. `f` is called for one message at a time, with the state, the message, and the context, which is
 * also `this`. It returns the next state, or a promise of it. Throws ConfigError for a name that is invalid or taken, StoppedError when
 * the parent is stopping.
 *
 *     const counter = spawn(runtime, (count: number, step: number) => count + step, 'counter', { initialState: 0 });
 *     dispatch(counter, 3);
 */
export function spawn<State, Msg, ParentRef extends Parent>(
  parent: ParentRef,
  f: ActorFunc<State, Msg, ParentRef>,
  name?: string,
  properties: ActorProps<State, Msg, ParentRef> = {},
): ActorReference<Msg> {
  checkSpawn(f, name, properties);
  return place(parent, new NactActor(parent, f, properties), name);
}

/** Starts an actor without state, as nact's `spawnStateless`. It continues after a failure unless `onCrash` decides otherwise. */
export function spawnStateless<Msg, ParentRef extends Parent>(
  parent: ParentRef,
  f: StatelessActorFunc<Msg, ParentRef>,
  name?: string,
  properties: StatelessActorProps<Msg, ParentRef> = {},
): ActorReference<Msg> {
  checkSpawn(f, name, properties);
  const withoutState = (_state: unknown, msg: Msg, ctx: ActorContext<Msg, ParentRef>): unknown => f.call(ctx, msg, ctx);
  return place(
    parent,
    new NactActor(parent, withoutState, { ...properties, onCrash: properties.onCrash ?? (() => verdicts.resume) }),
    name,
  );
}

/** Starts the kernel's actor. */
export function place<Msg>(parent: Parent, actor: NactActor, name: string | undefined): ActorReference<Msg> {
  const behavior = actor.behavior();
  const system = rootSystemOf(parent);
  if (system !== undefined) return system.spawn(behavior, { name });
  const local = nodeOf(parent);
  if (local !== undefined) return local.spawnChild(behavior, { name });
  throw noParent(parent);
}

/** The error of a parent that is none. */
export function noParent(parent: unknown): ConfigError {
  return new ConfigError(
    `an actor is spawned under a Runtime or under an actor of this partition, and this parent is neither: ${shownValue(parent)}`,
  );
}
