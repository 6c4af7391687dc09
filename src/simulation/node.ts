import type { ActorRef, Behavior, SpawnArguments, UntypedRef } from '../actors/kernel/index.js';
import type { Executor, Runtime, RuntimeOptions, RuntimeSpawnOptions } from '../actors/runtime/index.js';
import { StoppedError } from '../errors.js';
import { namedMessageOf } from '../foreign.js';
import type { AnyService } from '../protocol/index.js';
import type { Observer, Party } from './observer/index.js';
import type { SimulationTimers } from './simulation-timers.js';

/** What a node needs from its simulation. */
export interface NodeEnvironment {
  readonly executor: Executor;
  readonly observer: Observer;
  readonly timers: SimulationTimers;
  readonly options: (node: string) => RuntimeOptions;
  /** The current address of the control plane; undefined while it is down, and for the node that serves it. */
  readonly controlPlane: () => string | undefined;
  readonly record: (line: string) => void;
  readonly started: (node: SimulatedNode) => void;
  readonly failed: (error: unknown) => void;
}

/** Time between two attempts to start, in ms. */
const RETRY_MS = 100;

/** One incarnation of a node, from a start to a crash or stop. */
class NodeIncarnation implements Party {
  readonly name: string;
  readonly node: string;
  endedMs: number | undefined;
  readonly runtime: Runtime;
  /** Actors of the runtime itself, and of segments that were placed here during the start. */
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
 * A virtual node with one process. It is restarted after a crash, as soon as the plan allows it, and after it has lost its place in the cluster.
 */
export class SimulatedNode {
  readonly name: string;
  readonly servesControlPlane: boolean;
  readonly #environment: NodeEnvironment;
  #incarnation: NodeIncarnation | undefined;
  #generation = 0;
  #isDown = false;
  #isOver = false;
  /** Ends the current wait of `run`. */
  #wake: () => void = () => {};

  constructor(name: string, servesControlPlane: boolean, environment: NodeEnvironment) {
    this.name = name;
    this.servesControlPlane = servesControlPlane;
    this.#environment = environment;
  }

  /** Undefined while it is down. */
  get runtime(): Runtime | undefined {
    return this.#incarnation?.runtime;
  }

  get isUp(): boolean {
    return this.#incarnation !== undefined;
  }

  /** It has crashed, and must not restart yet. */
  get isDead(): boolean {
    return this.#isDown;
  }

  /** The number of starts. */
  get generation(): number {
    return this.#generation;
  }

  /** Spawns an observed actor. Throws StoppedError while the node is down. */
  spawn<S extends AnyService, T, Args>(
    behavior: Behavior<S, T, Args>,
    ...[options = {}]: SpawnArguments<NoInfer<Args>, RuntimeSpawnOptions>
  ): ActorRef<S> {
    const incarnation = this.#running;
    return this.#environment.observer.spawn(incarnation, incarnation, behavior, (observed) => {
      const ref = incarnation.runtime.spawn<S, unknown, unknown>(observed, options);
      incarnation.spawned.push(ref);
      return ref;
    });
  }

  /** Like Runtime.lookup, but returns an observed reference. Rejects with StoppedError while the node is down. */
  async lookup<S extends AnyService>(
    service: S,
    name: string,
    options: { readonly timeoutMs?: number } = {},
  ): Promise<ActorRef<S>> {
    const incarnation = this.#running;
    const ref = await incarnation.runtime.lookup(service, name, options);
    return this.#environment.observer.reference(service, ref, incarnation);
  }

  /** Stops an actor that was spawned on this node. */
  async stop(ref: UntypedRef): Promise<void> {
    await this.#running.runtime.stopActor(this.#environment.observer.unobserved(ref));
  }

  // ---- for the simulation

  /** Keeps the node running until `end`. */
  async run(): Promise<void> {
    while (!this.#isOver) {
      if (this.#isDown) await new Promise<void>((resolve) => (this.#wake = resolve));
      else if (!(await this.#runOnce())) await this.#environment.timers.pass(RETRY_MS);
    }
  }

  /** Returns false if it is already down. */
  crash(): boolean {
    if (this.#isDown) return false;
    this.#isDown = true;
    this.#environment.record(`crash ${this.name}`);
    this.#environment.executor.crash(this.name);
    if (this.#incarnation !== undefined) this.#incarnation.endedMs = this.#environment.executor.scheduler.now();
    this.#incarnation = undefined;
    this.#wake();
    return true;
  }

  restart(): void {
    if (!this.#isDown) return;
    this.#environment.executor.restart(this.name);
    this.#isDown = false;
    this.#wake();
  }

  /** Starts it no more. */
  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  /** Actors that were spawned on this node and have not stopped. */
  get actors(): number {
    if (this.#incarnation === undefined) return 0;
    const { runtime, ownActors } = this.#incarnation;
    // That of the exchange of values starts with the first value, and belongs to the runtime.
    return runtime.leftovers.actors - ownActors - runtime.metrics().values.exchanges;
  }

  async stopActors(): Promise<void> {
    const { runtime, spawned } = this.#running;
    await Promise.all(spawned.map((ref) => runtime.stopActor(ref)));
  }

  get #running(): NodeIncarnation {
    if (this.#incarnation === undefined) throw new StoppedError(`Node ${this.name} is down.`);
    return this.#incarnation;
  }

  /** Runs one incarnation. Returns false if the node could not start. */
  async #runOnce(): Promise<boolean> {
    const { executor, observer, options, controlPlane, started, failed, record } = this.#environment;
    const address = controlPlane();
    if (!this.servesControlPlane && address === undefined) return false;
    const generation = this.#generation + 1;
    let runtime: Runtime;
    try {
      const join = address === undefined ? {} : { controlPlane: address };
      runtime = await executor.start({ ...options(this.name), ...join, node: this.name });
    } catch (error) {
      record(`no start ${this.name} ${namedMessageOf(error)}`);
      return false;
    }
    if (this.#isDown || this.#isOver || runtime.isStopping) return true;
    this.#generation = generation;
    const incarnation = new NodeIncarnation(this.name, generation, runtime);
    this.#incarnation = incarnation;
    runtime.deadLetters.subscribe((letter) => observer.messages.tells.deadLetter(letter, this.name));
    record(`start ${incarnation.name}`);
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
      record(`lost ${incarnation.name}`);
      incarnation.endedMs = executor.scheduler.now();
      this.#incarnation = undefined;
      await runtime.stop();
    }
    return true;
  }
}
