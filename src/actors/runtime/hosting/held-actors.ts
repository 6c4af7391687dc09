import { ProtocolError } from '../../../errors.js';
import { namedMessageOf } from '../../../foreign.js';
import { limits } from '../../../limits.js';
import type { Logger } from '../../../logging/index.js';
import { type Ref, v1 } from '../../../protocol/index.js';
import type { Scheduler } from '../../../scheduler/index.js';
import { retryAsk } from '../../control-plane/index.js';
import {
  type ActorRef,
  type ActorSystem,
  assertOfThisProcess,
  assertSentBy,
  behavior,
  type Context,
  type UntypedRef,
} from '../../kernel/index.js';

/** The host of the partition in which an actor was placed. */
export interface HoldingPartition {
  /** Undefined while the partition is not running. */
  readonly spawner: Ref | undefined;
  /** An actor of that partition was told to stop: a partition that hangs until long after that is ended. */
  stopping(what: string): void;
  gone(what: string): void;
}

export interface HeldActorsOptions {
  readonly system: ActorSystem;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  /** Undefined for a partition that is not hosted here, or not running. */
  readonly partition: (ordinal: number) => HoldingPartition | undefined;
}

/** A process that has placed actors here, and those of them that end with it. */
interface Holder {
  readonly ref: UntypedRef;
  readonly actors: Map<string, v1.HeldActor>;
}

/**
 * What other processes have placed in the hosted partitions of this process, and must end with them. A spawner whose event loop is blocked by such an actor
 * neither hears its placer nor sees it end. So this actor does, on the event loop of the program, and lets the host end that partition.
 */
export class HeldActors {
  readonly #options: HeldActorsOptions;
  readonly #holders = new Map<string, Holder>();
  readonly actor: ActorRef<typeof v1.SpawnerHost>;

  constructor(options: HeldActorsOptions) {
    this.#options = options;
    const spawnerHost = behavior(v1.SpawnerHost, {
      supervision: 'resume',
      hold: (_state, held, context) => {
        assertOfThisProcess(context, 'A message about a held actor', held);
        return this.#hold(held, context);
      },
      release: (_state, held, context) => {
        assertOfThisProcess(context, 'A message about a held actor', held);
        return this.#release(held, context);
      },
      withdraw: (_state, held, context) => {
        if (held.placer !== undefined) assertSentBy(context, held.placer, 'A request to withdraw a placed actor');
        return this.#withdraw(held);
      },
      on: { terminated: (_state, { ref }) => this.#holderEnded(ref) },
    });
    this.actor = options.system.spawn(spawnerHost, { name: 'spawner-host' });
  }

  /** The partition has ended, with all that was placed there. */
  partitionEnded(ordinal: number): void {
    for (const [holder, { actors }] of this.#holders) {
      for (const [key, held] of actors) if (held.ordinal === ordinal) actors.delete(key);
      if (actors.size === 0) this.#holders.delete(holder);
    }
  }

  #hold(held: v1.HeldActor, context: Context): Record<never, never> {
    const { placer, ordinal } = held;
    if (placer === undefined) throw new ProtocolError('A request to hold a placed actor must say who has placed it.');
    // What a partition that has ended still says is refused: nothing of it is here any more.
    if (this.#options.partition(ordinal) === undefined) {
      throw new ProtocolError(`Partition ${ordinal} does not run in this process.`);
    }
    const key = holderOf(held);
    let holder = this.#holders.get(key);
    if (holder === undefined) {
      holder = { ref: context.ref(v1.Placer, placer), actors: new Map() };
      this.#holders.set(key, holder);
      context.watch(holder.ref);
    }
    holder.actors.set(keyOf(held), held);
    return {};
  }

  #release(held: v1.HeldActor, context: Context): Record<never, never> {
    this.#options.partition(held.ordinal)?.gone(keyOf(held));
    const key = holderOf(held);
    const holder = this.#holders.get(key);
    holder?.actors.delete(keyOf(held));
    if (holder?.actors.size !== 0) return {};
    this.#holders.delete(key);
    context.unwatch(holder.ref);
    return {};
  }

  /** Only what is held makes its partition end: a request that nobody has made must not. */
  #withdraw(held: v1.HeldActor): Record<never, never> {
    if (this.#holders.get(holderOf(held))?.actors.has(keyOf(held)) === true) this.#stop(held);
    return {};
  }

  #holderEnded(ref: UntypedRef): void {
    for (const holder of this.#holders.values()) {
      if (holder.ref !== ref) continue;
      for (const held of holder.actors.values()) this.#stop(held);
    }
  }

  /** The spawner releases the actor when that has stopped. It may have a link to the placer still, so it is told here, too. */
  #stop(held: v1.HeldActor): void {
    const { system, scheduler, log } = this.#options;
    const { ordinal, placer, id } = held;
    const partition = this.#options.partition(ordinal);
    if (partition?.spawner === undefined) return;
    partition.stopping(keyOf(held));
    const spawner = system.reference(v1.Spawner, partition.spawner);
    retryAsk(scheduler, limits.controlPlaneTimeoutMs, (ask) => spawner.withdraw({ placer, id }, ask)).catch(
      (error: unknown) => log.debug('a placed actor was not withdrawn', { ordinal, id, error: namedMessageOf(error) }),
    );
  }
}

function holderOf({ placer }: v1.HeldActor): string {
  return `${placer?.cUid}/${placer?.incarnation}`;
}

function keyOf(held: v1.HeldActor): string {
  return `${holderOf(held)}/${held.ordinal}/${held.id}`;
}
