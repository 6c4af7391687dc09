import { ActorContext, type Identity } from '../context.js';
import type { Ref } from '../reference.js';

/** Stores an event; resolves when the engine has it. `properties` are handed on to the engine. */
export type Persist<Msg> = (msg: Msg, tags?: string[], ...properties: unknown[]) => Promise<void>;

/** What the function of a persistent actor is given. */
export class PersistentActorContext<Msg, ParentRef> extends ActorContext<Msg, ParentRef> {
  readonly persist: Persist<Msg>;
  /** `msg` is an event that was stored before: it is not to be persisted again, and its effects on others have been. */
  readonly recovering: boolean;

  constructor(identity: Identity<Msg, ParentRef>, sender: Ref<unknown>, persist: Persist<Msg>, recovering: boolean) {
    super(identity, sender);
    this.persist = persist;
    this.recovering = recovering;
  }
}
