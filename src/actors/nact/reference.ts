import type { ActorPath as Path, HasSystem, UntypedRef } from '../kernel/index.js';
import type { PlainMessage } from './plain-messages.js';

/** Whatever messages of type `Msg` can be dispatched to: an actor in nact's style, a query that waits for its answer, Nobody. */
export interface Ref<in Msg> {
  readonly type: 'actor' | 'temp' | 'nobody';
  readonly system: { readonly name: string | undefined };
  readonly receive: (message: PlainMessage & { readonly message: Msg }) => boolean;
}

/** An actor in nact's style. Everything that takes a reference takes it: `ctx.watch`, `runtime.stopActor`, `runtime.register`. */
export type ActorReference<Msg> = Ref<Msg> & UntypedRef;

/** Under whom actors can be spawned: a Runtime, or any actor of this partition. */
export type Parent = HasSystem | UntypedRef | Ref<never>;

export type ActorPath = Path;

export function isReference(value: unknown): value is Ref<unknown> {
  if (typeof value !== 'object' || value === null) return false;
  return 'type' in value && 'system' in value;
}

/** A query that waits for its answer, or Nobody, of whatever copy of Millrace. nact's own have no `receive`. */
export function isOwnReference(value: object): value is Ref<unknown> {
  return 'type' in value && (value.type === 'temp' || value.type === 'nobody') && 'receive' in value;
}
