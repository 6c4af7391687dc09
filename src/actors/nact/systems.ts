import { type ActorNode, type ActorTree, treeDirectory, type TreeObserver } from '../kernel/index.js';
import { nactSystems } from './internals.js';
import { dispatchTo, dispatchToSystem, noReply, queryOf, spawnRefused, stopNode } from './node.js';
import { Queries, type RegisteredSystem, registeredSystem, systemBrand } from './queries.js';

/** A reference of nact or of Millrace; `nobody` resolves to nothing. */
type NactReference =
  | { readonly type: 'system' | 'nobody' }
  | { readonly type: 'temp'; readonly id: number }
  | { readonly type: 'actor'; readonly path: { readonly parts: readonly string[] } };

/** Presents a system of Millrace to nact. */
class NactSystem implements RegisteredSystem {
  readonly [systemBrand] = true;
  readonly queries = new Queries();
  readonly #tree: ActorTree;

  constructor(tree: ActorTree) {
    this.#tree = tree;
  }

  get name(): string {
    return this.#tree.name;
  }

  get children(): ReadonlyMap<string, ActorNode> {
    return this.#tree.children;
  }

  get childReferences(): ReadonlyMap<string, object> {
    return referencesOf(this.children);
  }

  /** Resolves a reference. nact's functions call this first. */
  find(reference: NactReference): object | undefined {
    switch (reference.type) {
      case 'system':
        return this;
      case 'temp': {
        const query = this.queries.find(reference.id);
        return query && { dispatch: (message: unknown) => query.receive({ message }) };
      }
      case 'actor': {
        const node = this.#follow(reference.path.parts);
        return node && new NactNode(node);
      }
      default:
        return undefined;
    }
  }

  dispatch(message: unknown, sender?: object): boolean {
    return dispatchToSystem(this.#tree.system, message, sender);
  }

  query(): Promise<never> {
    return Promise.reject(noReply(this.name));
  }

  stop(): void {
    this.#tree.system.requestStop();
  }

  /** nact's spawn calls this before it creates a child. */
  assertNotStopped(): never {
    throw spawnRefused(this.name);
  }

  #follow([first = '', ...rest]: readonly string[]): ActorNode | undefined {
    return rest.reduce((node, name) => node?.children.get(name), this.children.get(first));
  }
}

function referencesOf(nodes: ReadonlyMap<string, ActorNode>): ReadonlyMap<string, object> {
  return new Map(Array.from(nodes, ([name, { self }]) => [name, self]));
}

/** Presents an actor of Millrace to nact. */
class NactNode {
  readonly #node: ActorNode;

  constructor(node: ActorNode) {
    this.#node = node;
  }

  /** It accepts no messages. */
  get stopped(): boolean {
    return this.#node.phase === 'stopping' || this.#node.phase === 'stopped';
  }

  get childReferences(): ReadonlyMap<string, object> {
    return referencesOf(this.#node.children);
  }

  dispatch(message: unknown, sender?: object): boolean {
    return dispatchTo(this.#node, message, sender);
  }

  query(message: unknown, timeoutMs: number): Promise<unknown> {
    return queryOf(this.#node, message, timeoutMs);
  }

  stop(): void {
    stopNode(this.#node);
  }

  /** nact's spawn calls this before it creates a child. */
  assertNotStopped(): never {
    throw spawnRefused(this.#node.name);
  }
}

/** Registers Millrace's systems with nact. Other copies of Millrace in this thread may register them too. */
const registrar: TreeObserver = {
  isTaken(name) {
    return nactSystems.find(name) !== undefined && registeredSystem(name) === undefined;
  },
  opened(tree) {
    if (registeredSystem(tree.name) === undefined) nactSystems.add(new NactSystem(tree));
  },
  closed(tree) {
    if (registeredSystem(tree.name) !== undefined) nactSystems.remove(tree.name);
  },
};

treeDirectory().observe(registrar);
