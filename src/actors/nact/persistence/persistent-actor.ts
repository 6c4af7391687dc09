import { ConfigError } from '../../../errors.js';
import type { Directive } from '../../kernel/index.js';
import {
  decoded,
  eventsAfter,
  Journal,
  latestSnapshot,
  type PersistedEvent,
  type PersistenceEngine,
  Snapshots,
} from '../../persistence/store/index.js';
import { NactActor } from '../actor.js';
import type { AnyContext, AnyFunc } from '../properties.js';
import type { Ref } from '../reference.js';
import type { Fault } from '../supervised.js';
import { type AnyPersistentProps, PersistentActorContext } from './props.js';

/** Why a recovery did not complete. */
interface Interrupted {
  readonly directive: Directive;
  readonly error: unknown;
}

/**
 * An actor whose state is computed from its events. Messages wait while it recovers; each message waits until all events of the one
 * before it are stored. When an event may not have been stored, the actor cannot continue: it restarts from the store, or stops.
 */
export class PersistentActor extends NactActor {
  readonly #props: AnyPersistentProps;
  readonly #key: string;
  readonly #engine: PersistenceEngine;
  #journal: Journal | undefined;
  #snapshots: Snapshots | undefined;
  #isRecovering = true;
  /** `persist` was called while recovering. */
  #misuse: ConfigError | undefined;

  constructor(parent: unknown, run: AnyFunc, props: AnyPersistentProps, key: string, engine: PersistenceEngine) {
    super(parent, run, props);
    this.#props = props;
    this.#key = key;
    this.#engine = engine;
  }

  protected override contextFor(sender: Ref<unknown>): AnyContext {
    const persist = (msg: unknown, tags: string[] = [], ...properties: unknown[]): Promise<void> =>
      this.#persist(msg, tags, properties);
    return new PersistentActorContext(this.identity, sender, persist, this.#isRecovering);
  }

  protected override async start(): Promise<void> {
    const journal = this.#open();
    let interrupted: Interrupted | undefined;
    try {
      this.initialize();
      interrupted = await this.#recover(journal);
    } catch (error) {
      await this.crash({ error, received: undefined });
    }
    if (interrupted !== undefined) this.carryOut(interrupted.directive, interrupted.error);
  }

  protected override finish(state: unknown): void | Promise<void> {
    const settled = this.#journal?.settled;
    if (settled === undefined) return this.#continueWith(state);
    return settled.then(() => this.#continueWith(state));
  }

  protected override async crash(fault: Fault): Promise<never> {
    await this.#journal?.settled;
    return super.crash(fault);
  }

  /** The actor must not continue with a state that contains an event which may not be stored. */
  protected override async judge(fault: Fault): Promise<Directive> {
    const directive = await super.judge(fault);
    return directive === 'resume' && this.#journal?.failure !== undefined ? 'restart' : directive;
  }

  protected override async stopping(): Promise<void> {
    await this.#journal?.settled;
    await this.#snapshots?.settled;
    await super.stopping();
  }

  /** Opens a journal for each start. Failures of an earlier journal do not concern this start. */
  #open(): Journal {
    const { actor } = this.identity;
    const journal = new Journal(this.#engine, this.#key, actor, (error) => {
      if (journal === this.#journal) this.local.signal(() => this.crash({ error, received: undefined }));
    });
    const { snapshotEvery, snapshotEncoder } = this.#props;
    this.#snapshots = new Snapshots(this.#engine, actor, snapshotEvery, (state) => snapshotEncoder?.(state) ?? state);
    this.#journal = journal;
    this.#isRecovering = true;
    return journal;
  }

  async #recover(journal: Journal): Promise<Interrupted | undefined> {
    const { actor } = this.identity;
    const snapshot = await latestSnapshot(this.#engine, this.#key, actor);
    if (snapshot !== undefined) {
      const { data, sequenceNumber } = snapshot;
      this.state = this.#decode(this.#props.snapshotDecoder, data, 'snapshot', sequenceNumber);
      journal.sequenceNumber = sequenceNumber;
      this.#snapshots?.restored(snapshot);
    }
    for await (const event of eventsAfter(journal.sequenceNumber, this.#engine, this.#key, actor)) {
      if (this.local.phase !== 'running') return undefined;
      const interrupted = event.isDeleted ? undefined : await this.#replay(event);
      if (interrupted !== undefined) return interrupted;
      journal.sequenceNumber = event.sequenceNumber;
    }
    this.#isRecovering = false;
    this.#snapshots?.consider(this.#key, journal.sequenceNumber, this.state);
    return undefined;
  }

  /** Skips an event on which the function fails where `onCrash` decides to resume. */
  async #replay({ data, sequenceNumber }: PersistedEvent): Promise<Interrupted | undefined> {
    const { self } = this.identity;
    const message = this.#decode(this.#props.decoder, data, 'event', sequenceNumber);
    try {
      const next = await this.call(message, this.contextFor(self));
      if (this.#misuse !== undefined) throw this.#misuse;
      this.state = next;
      return undefined;
    } catch (error) {
      this.#misuse = undefined;
      const directive = await this.judge({ error, received: { message, sender: self } });
      if (directive !== 'resume') return { directive, error };
      this.identity.actor.log.warn('an event was skipped, because the actor fails on it', { sequenceNumber, error });
      return undefined;
    }
  }

  #decode(
    decode: AnyPersistentProps['decoder'],
    data: unknown,
    what: 'event' | 'snapshot',
    sequenceNumber: number,
  ): unknown {
    return decode === undefined ? data : decoded(decode, data, what, this.#key, sequenceNumber);
  }

  #persist(msg: unknown, tags: string[], properties: readonly unknown[]): Promise<void> {
    const { encoder } = this.#props;
    if (this.#isRecovering || this.#journal === undefined) {
      this.#misuse = new ConfigError(
        `${this.local.path} persists an event while it recovers, which would store it again: check ctx.recovering first`,
      );
      const refused = Promise.reject(this.#misuse);
      refused.catch(() => {});
      return refused;
    }
    return this.#journal.append(() => (encoder === undefined ? msg : encoder(msg)), tags, properties);
  }

  #continueWith(state: unknown): void {
    this.state = state;
    const journal = this.#journal;
    if (journal !== undefined && journal.failure === undefined) {
      this.#snapshots?.consider(this.#key, journal.sequenceNumber, state);
    }
  }
}
