import { type ActorNode, type ActorTree, treeDirectory, type TreeObserver } from '../kernel/index.js';
import { nactSystems } from './internals.js';
import { dispatchTo, queryOf, spawnRefused } from './node.js';
import { Queries, type RegisteredSystem, registeredSystem, systemBrand } from './queries.js';

/** A reference as nact and we make them; `nobody` leads nowhere. */
type NactReference =
  | { readonly type: 'system' | 'nobody' }
  | { readonly type: 'temp'; readonly id: number }
  | { readonly type: 'actor'; readonly path: { readonly parts: readonly string[] } };

/** One of our systems as nact sees it. */
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

  /** What a reference leads to: what nact's functions ask the system first. */
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

  stop(): void {
    void this.#tree.system.shutdown();
  }

  /** nact's spawn asks this before it makes a child. */
  assertNotStopped(): never {
    throw spawnRefused(this.name);
  }

  #follow([first = '', ...rest]: readonly string[]): ActorNode | undefined {
    return rest.reduce((node, name) => node?.children.get(name), this.children.get(first));
  }
}

/** One of our actors as nact sees it. */
class NactNode {
  readonly #node: ActorNode;

  constructor(node: ActorNode) {
    this.#node = node;
  }

  dispatch(message: unknown, sender?: object): boolean {
    return dispatchTo(this.#node, message, sender);
  }

  query(message: unknown, timeoutMs: number): Promise<unknown> {
    return queryOf(this.#node, message, timeoutMs);
  }

  stop(): void {
    this.#node.requestStop();
  }

  /** nact's spawn asks this before it makes a child. */
  assertNotStopped(): never {
    throw spawnRefused(this.#node.name);
  }
}

/** Enters our systems into nact's registry, where other copies of Millrace in this thread may do so as well. */
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
