import { CapacityError, MillraceError, ProtocolError, StoppedError } from '../../../errors.js';
import { namedMessageOf } from '../../../foreign.js';
import { limits } from '../../../limits.js';
import type { Logger } from '../../../logging/index.js';
import { type Ref, v1 } from '../../../protocol/index.js';
import type { Scheduler } from '../../../scheduler/index.js';
import { retryAsk } from '../../control-plane/index.js';
import {
  type ActorRef,
  type ActorSystem,
  answeredError,
  assertSentBy,
  type Behavior,
  behavior,
  type Context,
  isOfThisProcess,
  later,
  routeKey,
  type UntypedRef,
} from '../../kernel/index.js';
import { thrownByHandler } from '../../../protocol/errors/index.js';
import { thrownBy } from './component.js';
import type { Components } from './components.js';
import type { HeldByHost } from './held-by-host.js';
import { notStarted, type Placed, refusalOf, type RegisteredName } from './placed.js';
import { madeBehavior } from './made-behaviors.js';

export interface SpawnerOptions {
  readonly system: ActorSystem;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  readonly components: Components;
  readonly ordinal: () => number;
  /** Actors that may be placed here at a time. */
  readonly maxPlacedActors: number;
  /** Where this partition has a host, which ends it when an actor blocks it and is to stop. */
  readonly held: HeldByHost | undefined;
  /** The actor of this process's control plane client. */
  readonly client: () => ActorRef<typeof v1.ControlPlaneClient>;
}

/** Time in ms in which those who have placed actors are told that the partition stops: less than it has to stop. */
const LEAVE_MS = 500;

/** What one process has placed here. */
interface Placer {
  readonly ref: ActorRef<typeof v1.Placer>;
  readonly placed: Map<number, Placed>;
  /** Requests whose actors have ended, the oldest first: a repeat that arrives late must not place one again. */
  readonly ended: number[];
}

/**
 * Starts the actors that others place in this partition, as root actors, and stops them with their placer. The requests of each placer are
 * numbered, and each number is carried out once.
 */
export class Spawner {
  readonly #options: SpawnerOptions;
  readonly #placers = new Map<string, Placer>();
  /** Actors that run or are being started. */
  #count = 0;
  /** Why no further actor is started; undefined while they are. */
  #refusal: string | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: SpawnerOptions) {
    this.#options = options;
  }

  behavior(): Behavior<typeof v1.Spawner, undefined> {
    return behavior(v1.Spawner, {
      supervision: 'resume',
      place: (_state, request, context) => later(this.#place(request, context)),
      withdraw: (_state, { placer, id }, context) => later(this.#withdraw(placer, id, context).then(() => ({}))),
      fence: () => ({}),
      drain: (_state, { placer, id, timeoutMs }, context) =>
        later(this.#drain(placer, id, timeoutMs, context).then(() => ({}))),
      unregister: (_state, { placer, id, name }, context) =>
        later(this.#giveUp(placer, id, name, context).then(() => ({}))),
      describe: () => ({ ordinal: this.#options.ordinal(), placed: this.#count }),
      on: { terminated: (_state, { ref }) => this.#placerEnded(ref) },
    });
  }

  /** From now on, no actor is placed here; those that are placed go on. */
  drain(): void {
    this.#refusal ??= 'draining';
  }

  /** Tells those who have placed actors here that these end, and stops the actors. Idempotent. */
  close(): Promise<void> {
    this.#refusal = 'stopping';
    this.#closing ??= this.#close();
    return this.#closing;
  }

  // ---- requests

  #place(request: v1.ActorToPlace, context: Context): Promise<v1.ActorPlacedInit> {
    const placer = this.#placerOf(request.placer, context);
    const { id, isDetached } = request;
    const known = placer.placed.get(id);
    if (known !== undefined) return known.reply;
    const placed = notStarted({ isDetached, hasEnded: false });
    placer.placed.set(id, placed);
    this.#count++;
    placed.reply = this.#start(request, placed, placer).catch((error: unknown) => {
      this.#ended(placer, id, placed);
      return refusalOf(error instanceof MillraceError ? error : answeredError(error));
    });
    return placed.reply;
  }

  async #start(request: v1.ActorToPlace, placed: Placed, placer: Placer): Promise<v1.ActorPlacedInit> {
    const { system, components } = this.#options;
    this.#assertAccepts(placed);
    this.#assertRoom();
    if (request.component === undefined)
      throw new ProtocolError('A request to place an actor must describe its component.');
    await this.#hold(request, placed);
    const component = await components.load(request.component, request.hash, placed.withdrawal.signal);
    const made = madeBehavior(component, request.args);
    this.#assertAccepts(placed);
    const ref = system.spawn(made, request.name === '' ? {} : { name: request.name });
    placed.ref = ref;
    const path = `${system.name}/${ref.name}`;
    try {
      await this.#started(ref, component.name, placed);
      await this.#register(request, placed, ref, path);
      this.#assertAccepts(placed);
    } catch (error) {
      await system.stop(ref);
      await this.#unregister(placed);
      throw error;
    }
    ref[routeKey].watch({
      terminated: () => {
        this.#ended(placer, request.id, placed);
        void this.#unregister(placed);
      },
    });
    return { actor: ref.toRef(), path };
  }

  /** Before it has a name, by which others find it. One that is withdrawn is stopped. */
  async #started(ref: UntypedRef, component: string, { withdrawal: { signal } }: Placed): Promise<void> {
    const stop = (): void => void this.#options.system.stop(ref);
    signal.addEventListener('abort', stop, { once: true });
    try {
      await this.#options.system.started(ref);
    } catch (cause) {
      signal.throwIfAborted();
      throw thrownBy(`The start of component "${component}"`, cause);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** Before any code of the component runs here, which may block this event loop for ever. */
  async #hold({ placer, id, isDetached }: v1.ActorToPlace, placed: Placed): Promise<void> {
    if (placer === undefined || isDetached) return;
    const release = await this.#options.held?.hold(placer, id);
    if (release === undefined) return;
    if (placed.hasEnded) release();
    else placed.release = release;
  }

  async #withdraw(placerRef: Ref | undefined, id: number, context: Context): Promise<void> {
    const placer = this.#placerOf(placerRef, context, true);
    const placed = placer.placed.get(id);
    if (placed !== undefined) {
      const stopped = this.#stop(placed);
      // The next request may have its place.
      if (placed.ref === undefined) this.#ended(placer, id, placed);
      return stopped;
    }
    // The request to place it may still arrive.
    const never = notStarted({ isDetached: false, hasEnded: true });
    never.reply = Promise.resolve(refusalOf(new StoppedError(`The request to place actor ${id} was withdrawn.`)));
    placer.placed.set(id, never);
    this.#remember(placer, id);
  }

  /** An actor that has ended, and one that is being started, have no work. The actor is withdrawn next. */
  async #drain(placerRef: Ref | undefined, id: number, timeoutMs: number, context: Context): Promise<void> {
    if (!(timeoutMs >= 0 && timeoutMs < Number.POSITIVE_INFINITY)) {
      throw new ProtocolError(`A placed actor cannot be drained within ${timeoutMs} ms.`);
    }
    const placed = this.#placerOf(placerRef, context).placed.get(id);
    if (placed?.ref === undefined || placed.hasEnded) return;
    await this.#unregister(placed, ({ isGroup }) => isGroup);
    await this.#options.system.stop(placed.ref, timeoutMs);
  }

  /** Resolves when the actor and its children have stopped, and its name is free. */
  async #stop(placed: Placed): Promise<void> {
    placed.withdrawal.abort(this.#withdrawn());
    await placed.reply;
    const isClosing = this.#closing !== undefined;
    // Members of a group get nothing new before they stop, unless the partition ends with all that others have there.
    if (!isClosing) await this.#unregister(placed, ({ isGroup }) => isGroup);
    if (placed.ref !== undefined) await this.#options.system.stop(placed.ref);
    const unregistered = this.#unregister(placed);
    if (!isClosing) await unregistered;
  }

  #assertAccepts({ withdrawal }: Placed): void {
    const { ordinal } = this.#options;
    if (this.#refusal !== undefined) {
      throw new StoppedError(`Partition ${ordinal()} is ${this.#refusal}: no actor can be placed there.`);
    }
    withdrawal.signal.throwIfAborted();
  }

  #withdrawn(): StoppedError {
    return new StoppedError(`The actor was withdrawn before partition ${this.#options.ordinal()} had started it.`);
  }

  #assertRoom(): void {
    const { maxPlacedActors, ordinal } = this.#options;
    if (this.#count <= maxPlacedActors) return;
    throw new CapacityError(
      `Partition ${ordinal()} has ${maxPlacedActors} placed actors already (limit placedActors): place this one elsewhere.`,
    );
  }

  // ---- names

  async #register(
    { register, group, isStandby }: v1.ActorToPlace,
    placed: Placed,
    ref: UntypedRef,
    path: string,
  ): Promise<void> {
    const own = register === '' ? [] : [{ name: register, isGroup: false, isStandby }];
    const all = group === '' ? own : [...own, { name: group, isGroup: true, isStandby: false }];
    for (const { name, isGroup, isStandby: standsBy } of all) {
      placed.registered = [...placed.registered, { name, isGroup }];
      const entry = { name, isGroup, isStandby: standsBy, ref: ref.toRef(), path };
      await this.#ask((options) => this.#options.client().registerName(entry, options));
    }
  }

  /** Does nothing when another actor has a name. */
  async #unregister(placed: Placed, isMeant: (name: RegisteredName) => boolean = () => true): Promise<void> {
    const { registered, ref } = placed;
    if (ref === undefined) return;
    placed.registered = registered.filter((each) => !isMeant(each));
    await Promise.all(registered.filter(isMeant).map((each) => this.#unregisterName(each, ref)));
  }

  async #unregisterName(registered: RegisteredName, ref: UntypedRef): Promise<void> {
    const entry = { ...registered, cUid: ref.toRef().cUid };
    try {
      await this.#ask((options) => this.#options.client().unregisterName(entry, options));
    } catch (error) {
      this.#options.log.debug('the name of a placed actor was not unregistered', {
        name: registered.name,
        error: namedMessageOf(error),
      });
    }
  }

  /** A placed actor gives up a name, and goes on. */
  async #giveUp(placerRef: Ref | undefined, id: number, name: string, context: Context): Promise<void> {
    const placed = this.#placerOf(placerRef, context).placed.get(id);
    if (placed !== undefined) await this.#unregister(placed, (registered) => registered.name === name);
  }

  // ---- placers

  /** `isByHost`: the first partition of this process may make it for a placer that has ended. */
  #placerOf(ref: Ref | undefined, context: Context, isByHost = false): Placer {
    if (ref === undefined) throw new ProtocolError('A request to a spawner must say who makes it.');
    if (!isByHost || !isOfThisProcess(context)) assertSentBy(context, ref, 'A request to a spawner');
    const key = keyOf(ref);
    let placer = this.#placers.get(key);
    if (placer === undefined) {
      placer = { ref: context.ref(v1.Placer, ref), placed: new Map(), ended: [] };
      this.#placers.set(key, placer);
      context.watch(placer.ref);
    }
    return placer;
  }

  #placerEnded(ref: UntypedRef): void {
    for (const [key, placer] of this.#placers) {
      if (placer.ref !== ref) continue;
      this.#placers.delete(key);
      for (const placed of placer.placed.values()) if (!placed.isDetached) void this.#stop(placed);
    }
  }

  #ended(placer: Placer, id: number, placed: Placed): void {
    if (placed.hasEnded) return;
    placed.hasEnded = true;
    this.#count--;
    placed.release();
    this.#remember(placer, id);
  }

  #remember(placer: Placer, id: number): void {
    placer.ended.push(id);
    if (placer.ended.length <= limits.placedRequests) return;
    const oldest = placer.ended.shift();
    if (oldest !== undefined) placer.placed.delete(oldest);
  }

  // ---- the end

  async #close(): Promise<void> {
    const ordinal = this.#options.ordinal();
    const all = [...this.#placers.values()];
    await Promise.all(all.map((placer) => this.#leave(placer, ordinal)));
    await Promise.all(all.flatMap(({ placed }) => [...placed.values()].map((each) => this.#stop(each))));
  }

  async #leave({ ref, placed }: Placer, ordinal: number): Promise<void> {
    if (![...placed.values()].some(({ hasEnded }) => !hasEnded)) return;
    try {
      await ref.leaving({ ordinal }, { timeoutMs: LEAVE_MS });
    } catch (error) {
      // It does not answer, has ended, or sees the end of this partition by the end of the link.
      this.#options.log.debug('who placed actors here was not told of their end', { error: namedMessageOf(error) });
    }
  }

  async #ask<Reply>(send: Parameters<typeof retryAsk<Reply>>[2]): Promise<Reply> {
    try {
      return await retryAsk(this.#options.scheduler, limits.controlPlaneTimeoutMs, send);
    } catch (error) {
      throw thrownByHandler(error);
    }
  }
}

function keyOf(ref: Ref | undefined): string {
  return `${ref?.cUid}/${ref?.incarnation}`;
}
