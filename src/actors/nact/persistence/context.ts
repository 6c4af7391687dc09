import { ActorContext, type Identity } from '../context.js';
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
