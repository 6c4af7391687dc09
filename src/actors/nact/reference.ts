import {
  type HasSystem,
  Nobody,
  type NactPath,
  type PlainMessage,
  QueryReference,
  type UntypedRef,
} from '../kernel/index.js';

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

export type ActorPath = NactPath;

export function isReference(value: unknown): value is Ref<unknown> {
  if (typeof value !== 'object' || value === null) return false;
  return value instanceof QueryReference || value instanceof Nobody || ('type' in value && 'system' in value);
}
