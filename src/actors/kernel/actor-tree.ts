import type { ActorNode } from './actor-node.js';
import type { ActorSystem } from './actor-system.js';

/** The actors of one system, under the name that it has in its thread. */
export class ActorTree {
  /** What references say of their system. */
  readonly label: { name: string };
  /** Actors without a parent, kept up to date by their owner. */
  readonly children: ReadonlyMap<string, ActorNode>;
  readonly system: ActorSystem;

  constructor(system: ActorSystem, name: string, children: ReadonlyMap<string, ActorNode>) {
    this.system = system;
    this.label = { name };
    this.children = children;
  }

  get name(): string {
    return this.label.name;
  }
}

/** Who learns of the systems of this thread, such as another tree that they are to be found in. */
export interface TreeObserver {
  /** No system may take a name that something else has there. */
  isTaken(name: string): boolean;
  opened(tree: ActorTree): void;
  closed(tree: ActorTree): void;
}

/**
 * The systems that run in one thread, each under a name of its own. All copies of Millrace in a thread share one directory, which hangs
 * on `globalThis`: what observes it (nact's registry, which a thread has once as well) may be loaded before or after a system starts.
 */
export class TreeDirectory {
  readonly #trees = new Set<ActorTree>();
  readonly #observers = new Set<TreeObserver>();

  /** Adds a system. One whose name is taken gets a number after it. */
  open(tree: ActorTree): void {
    tree.label.name = this.#freeName(tree.name);
    this.#trees.add(tree);
    for (const observer of this.#observers) observer.opened(tree);
  }

  close(tree: ActorTree): void {
    if (!this.#trees.delete(tree)) return;
    for (const observer of this.#observers) observer.closed(tree);
  }

  /** Tells `observer` of the systems that run, and from now on of those that start and end. */
  observe(observer: TreeObserver): void {
    this.#observers.add(observer);
    for (const tree of this.#trees) {
      if (observer.isTaken(tree.name)) tree.label.name = this.#freeName(tree.name);
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

/** The one of this thread. */
export function treeDirectory(): TreeDirectory {
  const known: unknown = Reflect.get(globalThis, directoryKey);
  if (isDirectory(known)) return known;
  const made = new TreeDirectory();
  Object.defineProperty(globalThis, directoryKey, { value: made });
  return made;
}

/** Nothing else is kept under that symbol; it may come from another copy of this file. */
function isDirectory(value: unknown): value is TreeDirectory {
  return typeof value === 'object' && value !== null && 'observe' in value;
}
