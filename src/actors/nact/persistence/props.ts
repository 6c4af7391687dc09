import { ConfigError } from '../../../errors.js';
import { ActorContext, type Identity } from '../context.js';
import type { ActorProps, AnyProps } from '../properties.js';
import type { Ref } from '../reference.js';

/** Stores an event; resolves when the engine has stored it. `properties` are passed to the engine. */
export type Persist<Msg> = (msg: Msg, tags?: string[], ...properties: unknown[]) => Promise<void>;

/** The context of a persistent actor's function. */
export class PersistentActorContext<Msg, ParentRef> extends ActorContext<Msg, ParentRef> {
  readonly persist: Persist<Msg>;
  /** `msg` is a stored event: the function must not persist it again, nor repeat its side effects. */
  readonly recovering: boolean;

  constructor(identity: Identity<Msg, ParentRef>, sender: Ref<unknown>, persist: Persist<Msg>, recovering: boolean) {
    super(identity, sender);
    this.persist = persist;
    this.recovering = recovering;
  }
}

/** Handles one message, and each stored event while the actor recovers; returns the next state, or a promise of it. */
export type PersistentActorFunc<State, Msg, ParentRef> = (
  state: State,
  msg: Msg,
  ctx: PersistentActorContext<Msg, ParentRef>,
) => State | Promise<State>;

export interface PersistentActorProps<State, Msg, ParentRef> extends ActorProps<State, Msg, ParentRef> {
  /** Number of events between snapshots. Default: no snapshots. */
  readonly snapshotEvery?: number | undefined;
  /** Converts a state to the value that the engine stores; `snapshotDecoder` converts it back. Default: the state itself. */
  readonly snapshotEncoder?: ((state: State) => unknown) | undefined;
  readonly snapshotDecoder?: ((data: unknown) => State) | undefined;
  /** Converts an event to the value that the engine stores; `decoder` converts it back. Default: the event itself. */
  readonly encoder?: ((msg: Msg) => unknown) | undefined;
  readonly decoder?: ((data: unknown) => Msg) | undefined;
}

/** The properties without type parameters: see AnyProps. */
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

/** Throws ConfigError for an invalid key or `snapshotEvery`. */
export function checkPersistent(key: unknown, { snapshotEvery }: Pick<AnyPersistentProps, 'snapshotEvery'>): void {
  if (typeof key !== 'string' || key === '') {
    throw new ConfigError(`a persistence key must be a non-empty string, not ${JSON.stringify(key)}`);
  }
  if (snapshotEvery !== undefined && !(Number.isSafeInteger(snapshotEvery) && snapshotEvery >= 0)) {
    throw new ConfigError(`snapshotEvery must be a whole number of events, not ${String(snapshotEvery)}`);
  }
}
