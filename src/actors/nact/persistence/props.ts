import { ConfigError } from '../../../errors.js';
import type { ActorProps, AnyProps } from '../properties.js';
import type { PersistentActorContext } from './context.js';

/** Handles one message, and each event again while the actor recovers; what it returns is the next state. */
export type PersistentActorFunc<State, Msg, ParentRef> = (
  state: State,
  msg: Msg,
  ctx: PersistentActorContext<Msg, ParentRef>,
) => State | Promise<State>;

export interface PersistentActorProps<State, Msg, ParentRef> extends ActorProps<State, Msg, ParentRef> {
  /** Events from one snapshot to the next. Without it there are no snapshots. */
  readonly snapshotEvery?: number | undefined;
  /** What the engine is given of a state, and back. Default: the state itself. */
  readonly snapshotEncoder?: ((state: State) => unknown) | undefined;
  readonly snapshotDecoder?: ((data: unknown) => State) | undefined;
  /** What the engine is given of an event, and back. Default: the event itself. */
  readonly encoder?: ((msg: Msg) => unknown) | undefined;
  readonly decoder?: ((data: unknown) => Msg) | undefined;
}

/** The same, types forgotten: see AnyProps. */
export interface AnyPersistentProps extends AnyProps {
  readonly snapshotEvery?: number | undefined;
  readonly snapshotEncoder?: Untyped['encode'] | undefined;
  readonly snapshotDecoder?: Untyped['decode'] | undefined;
  readonly encoder?: Untyped['encode'] | undefined;
  readonly decoder?: Untyped['decode'] | undefined;
}

interface Untyped {
  encode(value: unknown): unknown;
  decode(data: unknown): unknown;
}

/** ConfigError for a key that is no text, and a `snapshotEvery` that is no number of events. */
export function checkPersistent(key: unknown, { snapshotEvery }: AnyPersistentProps): void {
  if (typeof key !== 'string' || key === '') {
    throw new ConfigError(`a persistence key must be a string that is not empty, not ${JSON.stringify(key)}`);
  }
  if (snapshotEvery !== undefined && !(Number.isSafeInteger(snapshotEvery) && snapshotEvery >= 0)) {
    throw new ConfigError(`snapshotEvery must be a whole number of events, not ${String(snapshotEvery)}`);
  }
}
