import type { ActorPath as Path, HasSystem, UntypedRef } from '../kernel/index.js';
import type { PlainMessage } from './plain-messages.js';

/** Accepts messages of type `Msg`: a nact actor, a pending query, or Nobody. */
export interface Ref<in Msg> {
  readonly type: 'actor' | 'temp' | 'nobody';
  readonly system: { readonly name: string | undefined };
  readonly receive: (message: PlainMessage & { readonly message: Msg }) => boolean;
}

/** A nact actor. Functions that accept a reference accept it: `ctx.watch`, `runtime.stopActor`, `runtime.register`. */
export type ActorReference<Msg> = Ref<Msg> & UntypedRef;

/** A possible parent of an actor: a Runtime, or any actor of this partition. */
export type Parent = HasSystem | UntypedRef | Ref<never>;

export type ActorPath = Path;

/** The sender of a message that was dispatched without one. Ignores messages. */
export class Nobody {
  readonly type = 'nobody';
  readonly system = { name: undefined };
  readonly path = { parts: [] };

  receive(): boolean {
    return true;
  }
}

export function isReference(value: unknown): value is Ref<unknown> {
  if (typeof value !== 'object' || value === null) return false;
  return 'type' in value && 'system' in value && typeof value.system === 'object' && value.system !== null;
}

/** A pending query or Nobody, of any copy of Millrace. nact's own references have no `receive`. */
export function isOwnReference(value: object): value is Ref<unknown> {
  return 'type' in value && (value.type === 'temp' || value.type === 'nobody') && 'receive' in value;
}
