import { hasMark, inspectKey } from '../../foreign.js';
import type { AnyService } from '../../protocol/index.js';
import type { ActorNode } from './actor-node.js';
import { type ActorPath, pathOf } from './actor-path.js';
import type { Behavior } from './behavior.js';
import type { AskOptions, OutgoingCall } from './call.js';
import type { SpawnArguments } from './context.js';
import type { DeadLetterReason } from './delivery.js';
import type { Deadlines } from './deadlines.js';
import type { ActorRef } from './reference.js';
import { type SystemRef, systemKey } from './untyped-ref.js';

/** A system, as other APIs for actors see it. */
export interface RootSystem {
  readonly name: string;
  readonly deadlines: Deadlines;
  /** Stores the events of persistent actors; the kernel does not use it. */
  persistenceEngine: unknown;
  /** Starts a root actor. */
  spawn<S extends AnyService, T, Args>(
    behavior: Behavior<S, T, Args>,
    ...options: SpawnArguments<NoInfer<Args>>
  ): ActorRef<S>;
  /** The data of an ask that is made now. */
  outgoingAsk(options: AskOptions | undefined): OutgoingCall;
  /** Counts a tell that no actor will handle. */
  addDeadLetter(
    target: string | { readonly path: string },
    method: string,
    message: unknown,
    reason: DeadLetterReason,
  ): void;
  /** Stops what the system belongs to, and otherwise its actors. Does not wait. */
  requestStop(): void;
}

/** The system of a Runtime, or of the `parent` of an actor without a parent; undefined for any other value. */
export function rootSystemOf(value: unknown): RootSystem | undefined {
  return hasRootSystem(value) ? value[systemKey] : undefined;
}

/** Only a system has the mark, whichever copy of Millrace made it. */
function hasRootSystem(value: unknown): value is { readonly [systemKey]: RootSystem } {
  return hasMark(value, systemKey);
}

/** The system of an actor without a parent. */
export class SystemReference implements SystemRef {
  readonly #tree: ActorTree;

  constructor(tree: ActorTree) {
    this.#tree = tree;
  }

  get type(): 'system' {
    return 'system';
  }

  get name(): string {
    return this.#tree.name;
  }

  get path(): ActorPath {
    return pathOf(this.name, []);
  }

  get system(): { readonly name: string } {
    return this.#tree.label;
  }

  get [systemKey](): RootSystem {
    return this.#tree.system;
  }

  toString(): string {
    return this.path.toString();
  }

  [inspectKey](): string {
    return `ActorSystem<${this.toString()}>`;
  }
}

/** The actors of one system, with the system's name in its thread. */
export class ActorTree {
  readonly #label: { name: string };
  /** The property `system` of references. */
  readonly label: { readonly name: string };
  /** Actors without a parent, kept up to date by their owner. */
  readonly children: ReadonlyMap<string, ActorNode>;
  readonly system: RootSystem;
  /** The parent of actors without a parent. */
  readonly reference: SystemReference = new SystemReference(this);

  constructor(system: RootSystem, name: string, children: ReadonlyMap<string, ActorNode>) {
    this.system = system;
    this.#label = { name };
    this.label = this.#label;
    this.children = children;
  }

  get name(): string {
    return this.#label.name;
  }

  rename(name: string): void {
    this.#label.name = name;
  }
}

/** Is notified of the systems of this thread: nact's registry, for example. */
export interface TreeObserver {
  /** True when the observer has another use for this name, so that no system may take it. */
  isTaken(name: string): boolean;
  opened(tree: ActorTree): void;
  closed(tree: ActorTree): void;
}

/**
 * The systems of one thread, each with a unique name. All copies of Millrace in a thread share one directory, which is a property of
 * `globalThis`. An observer, such as nact's registry, may be loaded before or after a system starts.
 */
export class TreeDirectory {
  readonly #trees = new Set<ActorTree>();
  readonly #observers = new Set<TreeObserver>();

  /** Adds a system. Appends a number to its name if that is taken. */
  open(tree: ActorTree): void {
    tree.rename(this.#freeName(tree.name));
    this.#trees.add(tree);
    for (const observer of this.#observers) observer.opened(tree);
  }

  close(tree: ActorTree): void {
    if (!this.#trees.delete(tree)) return;
    for (const observer of this.#observers) observer.closed(tree);
  }

  /** Notifies `observer` of the running systems, and from now on of those that start and end. */
  observe(observer: TreeObserver): void {
    this.#observers.add(observer);
    for (const tree of this.#trees) {
      if (observer.isTaken(tree.name)) tree.rename(this.#freeName(tree.name));
      observer.opened(tree);
    }
  }

  #freeName(wanted: string): string {
    let name = wanted;
    for (let number = 2; this.#isTaken(name); number++) name = `${wanted}-${number}`;
    return name;
  }

  #isTaken(name: string): boolean {
    for (const tree of this.#trees) if (tree.name === name) return true;
    for (const observer of this.#observers) if (observer.isTaken(name)) return true;
    return false;
  }
}

const directoryKey = Symbol.for('millrace.trees');

/** The directory of this thread. */
export function treeDirectory(): TreeDirectory {
  const known: unknown = Reflect.get(globalThis, directoryKey);
  if (isDirectory(known)) return known;
  const made = new TreeDirectory();
  Object.defineProperty(globalThis, directoryKey, { value: made });
  return made;
}

/** Checks the structure, because the directory may come from another copy of this file. */
function isDirectory(value: unknown): value is TreeDirectory {
  return typeof value === 'object' && value !== null && 'observe' in value;
}
