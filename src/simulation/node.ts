import type { ActorRef, Behavior, SpawnOptions, UntypedRef } from '../actors/kernel/index.js';
import type { Executor, Runtime, RuntimeOptions } from '../actors/runtime/index.js';
import { StoppedError } from '../errors.js';
import { namedMessageOf } from '../foreign.js';
import type { AnyService } from '../protocol/index.js';
import type { Observer, Party } from './observer/index.js';
import type { Timetable } from './timetable.js';

/** What a node needs of the simulation that it is part of. */
export interface NodeEnvironment {
  readonly executor: Executor;
  readonly observer: Observer;
  readonly timetable: Timetable;
  readonly options: RuntimeOptions;
  /** Address of the control plane now; undefined while it is down, or for the node that serves it. */
  readonly controlPlane: () => string | undefined;
  readonly record: (line: string) => void;
  readonly started: (node: SimulatedNode) => void;
  readonly failed: (error: unknown) => void;
}

/** Time between two tries to start, in ms. */
const RETRY_MS = 100;

/** One life of a node, from a start to a crash or stop. */
class Life implements Party {
  readonly name: string;
  readonly node: string;
  isGone = false;
  readonly runtime: Runtime;
  /** Actors of the runtime itself, and of segments that were placed here before it was up. */
  readonly ownActors: number;
  readonly spawned: UntypedRef[] = [];

  constructor(node: string, generation: number, runtime: Runtime) {
    this.name = `${node}.${generation}`;
    this.node = node;
    this.runtime = runtime;
    this.ownActors = runtime.leftovers.actors;
  }
}

/**
 * A virtual node with one process, which whoever runs a cluster keeps up: it is started again when it has crashed, as soon as the plan
 * lets it, and when it has lost the control plane.
 */
export class SimulatedNode {
  readonly name: string;
  readonly servesControlPlane: boolean;
  readonly #environment: NodeEnvironment;
  #life: Life | undefined;
  #generation = 0;
  #isDown = false;
  #isOver = false;
  /** Ends the wait for what is next in this node's life. */
  #wake: () => void = () => {};

  constructor(name: string, servesControlPlane: boolean, environment: NodeEnvironment) {
    this.name = name;
    this.servesControlPlane = servesControlPlane;
    this.#environment = environment;
  }

  /** Undefined while it is down. */
  get runtime(): Runtime | undefined {
    return this.#life?.runtime;
  }

  get isUp(): boolean {
    return this.#life !== undefined;
  }

  /** It has crashed, and is not to start yet. */
  get isDead(): boolean {
    return this.#isDown;
  }

  /** Times that it was started. */
  get generation(): number {
    return this.#generation;
  }

  /** Starts an actor that is observed. StoppedError while the node is down. */
  spawn<S extends AnyService, T>(
    behavior: Behavior<S, T>,
    options: SpawnOptions & { readonly register?: boolean } = {},
  ): ActorRef<S> {
    const life = this.#living;
    return this.#environment.observer.spawn(life, life, behavior, (observed) => {
      const ref = life.runtime.spawn(observed, options);
      life.spawned.push(ref);
      return ref;
    });
  }

  /** The actor under a name, by a reference that is observed. As Runtime.lookup; StoppedError while the node is down. */
  async lookup<S extends AnyService>(
    service: S,
    name: string,
    options: { readonly timeoutMs?: number } = {},
  ): Promise<ActorRef<S>> {
    const life = this.#living;
    const ref = await life.runtime.lookup(service, name, options);
    return this.#environment.observer.reference(service, ref, life);
  }

  /** Stops an actor that was spawned here. */
  async stop(ref: UntypedRef): Promise<void> {
    await this.#living.runtime.stopActor(this.#environment.observer.unobserved(ref));
  }

  // ---- what the simulation does

  /** Keeps the node up until `end`. */
  async live(): Promise<void> {
    while (!this.#isOver) {
      if (this.#isDown) await new Promise<void>((resolve) => (this.#wake = resolve));
      else if (!(await this.#liveOnce())) await this.#environment.timetable.pass(RETRY_MS);
    }
  }

  /** False where it is down already. */
  crash(): boolean {
    if (this.#isDown) return false;
    this.#isDown = true;
    this.#environment.record(`crash ${this.name}`);
    this.#environment.executor.crash(this.name);
    if (this.#life !== undefined) this.#life.isGone = true;
    this.#life = undefined;
    this.#wake();
    return true;
  }

  restart(): void {
    if (!this.#isDown) return;
    this.#environment.executor.restart(this.name);
    this.#isDown = false;
    this.#wake();
  }

  /** It is not started any more. */
  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  /** Actors that are left of those that were spawned here. */
  get actors(): number {
    return this.#life === undefined ? 0 : this.#life.runtime.leftovers.actors - this.#life.ownActors;
  }

  async stopActors(): Promise<void> {
    const { runtime, spawned } = this.#living;
    await Promise.all(spawned.map((ref) => runtime.stopActor(ref)));
  }

  get #living(): Life {
    if (this.#life === undefined) throw new StoppedError(`Node ${this.name} is down.`);
    return this.#life;
  }

  /** From a start to the next end; false where it could not start. */
  async #liveOnce(): Promise<boolean> {
    const { executor, observer, options, controlPlane, started, failed, record } = this.#environment;
    const address = controlPlane();
    if (!this.servesControlPlane && address === undefined) return false;
    const generation = this.#generation + 1;
    let runtime: Runtime;
    try {
      const join = address === undefined ? {} : { controlPlane: address };
      runtime = await executor.start({ ...options, ...join, node: this.name });
    } catch (error) {
      record(`no start ${this.name} ${namedMessageOf(error)}`);
      return false;
    }
    if (this.#isDown || this.#isOver || runtime.isStopping) return true;
    this.#generation = generation;
    const life = new Life(this.name, generation, runtime);
    this.#life = life;
    runtime.deadLetters.subscribe((letter) => observer.messages.deadLetter(letter));
    record(`start ${life.name}`);
    const ended = new Promise<void>((resolve) => {
      this.#wake = resolve;
      runtime.onLost(() => resolve());
    });
    try {
      started(this);
    } catch (error) {
      failed(error);
    }
    await ended;
    if (!this.#isOver && !this.#isDown) {
      record(`lost ${life.name}`);
      life.isGone = true;
      this.#life = undefined;
      await runtime.stop();
    }
    return true;
  }
}
