import { ConfigError, StoppedError } from '../../errors.js';
import type { AnyService, Ref } from '../../protocol/index.js';
import type { Actor } from './actor.js';
import type { ActorNode } from './actor-node.js';
import { checkName } from './actor-path.js';
import type { ActorTree } from './actor-tree.js';
import type { AnyBehavior, Behavior } from './behavior.js';
import type { UntypedSpawnOptions } from './context.js';
import { TellDelivery } from './delivery.js';
import type { Kernel } from './kernel.js';
import { ActorLife } from './lifecycle.js';
import type { ActorRef } from './reference.js';
import { checkSpawn } from './spawn-options.js';
import type { UntypedRef } from './untyped-ref.js';

const NO_CHILDREN: ReadonlyMap<string, ActorCell> = new Map();

/**
 * One actor: its place in the tree, its ids and its children. The layers below it are its life, its turns, its inbox and the messages that it
 * holds. Parts that few actors need are created on first use.
 */
export class ActorCell extends ActorLife {
  override readonly parent: ActorCell | undefined;
  override readonly name: string;
  #takenCUid: bigint | undefined = undefined;
  #children: Map<string, ActorCell> | undefined = undefined;
  #self: UntypedRef | undefined = undefined;
  #bareTell: TellDelivery | undefined = undefined;

  constructor(kernel: Kernel, behavior: AnyBehavior, args: unknown, parent: ActorCell | undefined, name: string) {
    super(kernel, behavior, args);
    this.parent = parent;
    this.name = name;
  }

  override get service(): AnyService {
    return this.behavior.service;
  }

  /** `system/parent/child` */
  override get path(): string {
    return `${this.parent === undefined ? this.kernel.name : this.parent.path}/${this.name}`;
  }

  override get children(): ReadonlyMap<string, ActorCell> {
    return this.#children ?? NO_CHILDREN;
  }

  /** Itself among them. */
  override get siblings(): ReadonlyMap<string, ActorNode> {
    return this.parent?.children ?? this.kernel.roots;
  }

  override get tree(): ActorTree {
    return this.kernel.tree;
  }

  override get self(): UntypedRef {
    this.#self ??= this.kernel.references.create(this.behavior.service, this);
    return this.#self;
  }

  override get bareTell(): TellDelivery {
    this.#bareTell ??= new TellDelivery(this, undefined);
    return this.#bareTell;
  }

  override get takenCUid(): bigint | undefined {
    return this.#takenCUid;
  }

  override get cUid(): bigint {
    this.#takenCUid ??= this.kernel.directory.address(this);
    return this.#takenCUid;
  }

  override get incarnation(): bigint {
    return this.kernel.directory.incarnation;
  }

  override toRef(): Ref {
    return { cUid: this.cUid, service: this.behavior.service.typeName, incarnation: this.incarnation };
  }

  override reportLostReply(error: unknown): void {
    this.kernel.logger.warn('an ask without a waiting caller failed', { actor: this.path, error });
  }

  override spawnChild<S extends AnyService>(
    behavior: Behavior<S, unknown, unknown>,
    options?: UntypedSpawnOptions,
  ): ActorRef<S> {
    if (this.phase !== 'running' && this.phase !== 'starting') {
      throw new StoppedError(`${this.path} cannot spawn: it is ${this.phase}`);
    }
    const siblings = this.#children ?? new Map<string, ActorCell>();
    const reference = spawnAmong(siblings, this.kernel, this, behavior, options);
    this.#children = siblings;
    return reference;
  }

  override childEnded(child: Actor): void {
    const children = this.#children;
    children?.delete(child.name);
    if (children?.size !== 0) return;
    this.#children = undefined;
    if (this.phase === 'stopping' || this.phase === 'restarting' || this.cold?.draining !== undefined) this.wake();
  }

  protected override leave(): void {
    const { kernel, parent } = this;
    kernel.counters.actorStopped();
    kernel.observer?.stopped(this);
    kernel.troubles.stopped(() => this.path);
    kernel.directory.ended(this);
    if (parent === undefined) kernel.roots.delete(this.name);
    else parent.childEnded(this);
  }

  /** Its first turn is queued, where it needs one to start. */
  begin<S extends AnyService>(service: S, cUid: bigint | undefined): ActorRef<S> {
    if (cUid !== undefined) this.#takenCUid = this.kernel.directory.address(this, cUid);
    const reference = this.kernel.references.create(service, this);
    this.#self = reference;
    if (this.phase === 'starting') this.wake();
    return reference;
  }
}

/**
 * Starts an actor without a parent. Throws ConfigError for a value that is not a behavior, for an option that is wrong or unknown, for `args`
 * that are missing or not taken, and for a name or channel id that is taken or invalid.
 */
export function spawnRoot<S extends AnyService>(
  kernel: Kernel,
  behavior: Behavior<S, unknown, unknown>,
  options: UntypedSpawnOptions | undefined,
): ActorRef<S> {
  return spawnAmong(kernel.roots, kernel, undefined, behavior, options);
}

function spawnAmong<S extends AnyService>(
  siblings: Map<string, ActorNode>,
  kernel: Kernel,
  parent: ActorCell | undefined,
  behavior: Behavior<S, unknown, unknown>,
  options: UntypedSpawnOptions | undefined,
): ActorRef<S> {
  if (kernel.isStopping) throw new StoppedError(`system ${kernel.name} cannot spawn: it is stopping`);
  checkSpawn(behavior, options);
  const { service } = behavior;
  const name = options?.name ?? kernel.names.free(service, siblings);
  if (options?.name !== undefined) checkName(name);
  const path = (): string => `${parent?.path ?? kernel.name}/${name}`;
  if (siblings.has(name)) throw new ConfigError(`${path()} already exists: choose another name`);
  behavior.spawning?.(kernel.tree.system, path());
  const running = kernel.interceptor?.spawned(path(), behavior) ?? behavior;
  const cell = new ActorCell(kernel, running, options?.args, parent, name);
  const reference = cell.begin(service, options?.cUid);
  siblings.set(name, cell);
  kernel.counters.actorStarted();
  kernel.troubles.started(path);
  kernel.observer?.started(cell);
  return reference;
}
