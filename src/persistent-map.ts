/** What a persistent map orders its entries by. All keys of one map are of one of these types. */
export type Key = number | bigint | string;

/**
 * A map that never changes: `with` and `without` return another one, which shares all but about log2(size) nodes with this one. So a state
 * that is made of such maps is kept, compared and shared like a number. Iterates in the order of the keys.
 *
 *     const one = PersistentMap.empty<number, string>().with(7, 'seven');
 *     const two = one.with(8, 'eight');    // `one` still has a single entry
 *
 * It is a weight-balanced tree (Adams 1993, with the parameters that Hirai and Yamamoto have proved in 2011): of two neighbouring subtrees
 * neither has more than three times the weight of the other, where the weight of a tree is its size and one.
 */
export class PersistentMap<K extends Key, V> implements Iterable<readonly [K, V]> {
  readonly root: Node<K, V> | undefined;

  private constructor(root: Node<K, V> | undefined) {
    this.root = root;
  }

  static empty<K extends Key, V>(): PersistentMap<K, V> {
    return new PersistentMap<K, V>(undefined);
  }

  get size(): number {
    return sizeOf(this.root);
  }

  get(key: K): V | undefined {
    let node = this.root;
    while (node !== undefined && node.key !== key) node = key < node.key ? node.left : node.right;
    return node?.value;
  }

  has(key: K): boolean {
    let node = this.root;
    while (node !== undefined && node.key !== key) node = key < node.key ? node.left : node.right;
    return node !== undefined;
  }

  with(key: K, value: V): PersistentMap<K, V> {
    return this.#of(inserted(this.root, key, value));
  }

  without(key: K): PersistentMap<K, V> {
    return this.#of(removed(this.root, key));
  }

  /** The lowest key. */
  get first(): K | undefined {
    let node = this.root;
    while (node?.left !== undefined) node = node.left;
    return node?.key;
  }

  [Symbol.iterator](): Generator<readonly [K, V]> {
    const above: Node<K, V>[] = [];
    for (let node = this.root; node !== undefined; node = node.left) above.push(node);
    return ascending(above);
  }

  /** The entries with higher keys than this one. The others cost no step. */
  after(key: K): Generator<readonly [K, V]> {
    const above: Node<K, V>[] = [];
    for (let node = this.root; node !== undefined; ) {
      if (node.key > key) above.push(node);
      node = node.key > key ? node.left : node.right;
    }
    return ascending(above);
  }

  *keys(): Generator<K> {
    for (const [key] of this) yield key;
  }

  *values(): Generator<V> {
    for (const [, value] of this) yield value;
  }

  #of(root: Node<K, V> | undefined): PersistentMap<K, V> {
    return root === this.root ? this : new PersistentMap(root);
  }
}

interface Node<K, V> {
  readonly key: K;
  readonly value: V;
  readonly size: number;
  readonly left: Node<K, V> | undefined;
  readonly right: Node<K, V> | undefined;
}

type Tree<K, V> = Node<K, V> | undefined;

/** A subtree may have this many times the weight of its neighbour. */
const HEAVIEST = 3;
/** A single rotation is enough when the inner subtree has less than this many times the weight of the outer one. */
const SINGLE = 2;

function sizeOf(tree: Tree<unknown, unknown>): number {
  return tree?.size ?? 0;
}

function weightOf(tree: Tree<unknown, unknown>): number {
  return sizeOf(tree) + 1;
}

function joined<K, V>(key: K, value: V, left: Tree<K, V>, right: Tree<K, V>): Node<K, V> {
  return { key, value, size: sizeOf(left) + 1 + sizeOf(right), left, right };
}

/** A node of two subtrees, of which one may be too heavy by one entry. */
function balanced<K, V>(key: K, value: V, left: Tree<K, V>, right: Tree<K, V>): Node<K, V> {
  if (right !== undefined && weightOf(right) > HEAVIEST * weightOf(left)) return raisedRight(key, value, left, right);
  if (left !== undefined && weightOf(left) > HEAVIEST * weightOf(right)) return raisedLeft(key, value, left, right);
  return joined(key, value, left, right);
}

function raisedRight<K, V>(key: K, value: V, left: Tree<K, V>, heavy: Node<K, V>): Node<K, V> {
  const { left: inner, right: outer } = heavy;
  if (inner === undefined || weightOf(inner) < SINGLE * weightOf(outer)) {
    return joined(heavy.key, heavy.value, joined(key, value, left, inner), outer);
  }
  const low = joined(key, value, left, inner.left);
  return joined(inner.key, inner.value, low, joined(heavy.key, heavy.value, inner.right, outer));
}

function raisedLeft<K, V>(key: K, value: V, heavy: Node<K, V>, right: Tree<K, V>): Node<K, V> {
  const { left: outer, right: inner } = heavy;
  if (inner === undefined || weightOf(inner) < SINGLE * weightOf(outer)) {
    return joined(heavy.key, heavy.value, outer, joined(key, value, inner, right));
  }
  const high = joined(key, value, inner.right, right);
  return joined(inner.key, inner.value, joined(heavy.key, heavy.value, outer, inner.left), high);
}

/** The entries of the last of these nodes and of its right subtree, then of the one before it, and so on. */
function* ascending<K extends Key, V>(above: Node<K, V>[]): Generator<readonly [K, V]> {
  for (let next = above.pop(); next !== undefined; next = above.pop()) {
    yield [next.key, next.value];
    for (let node = next.right; node !== undefined; node = node.left) above.push(node);
  }
}

function inserted<K extends Key, V>(tree: Tree<K, V>, key: K, value: V): Node<K, V> {
  if (tree === undefined) return joined(key, value, undefined, undefined);
  const { left, right } = tree;
  if (key < tree.key) return balanced(tree.key, tree.value, inserted(left, key, value), right);
  if (key > tree.key) return balanced(tree.key, tree.value, left, inserted(right, key, value));
  return Object.is(tree.value, value) ? tree : joined(key, value, left, right);
}

function removed<K extends Key, V>(tree: Tree<K, V>, key: K): Tree<K, V> {
  if (tree === undefined) return undefined;
  const { left, right } = tree;
  if (key < tree.key) {
    const rest = removed(left, key);
    return rest === left ? tree : balanced(tree.key, tree.value, rest, right);
  }
  if (key > tree.key) {
    const rest = removed(right, key);
    return rest === right ? tree : balanced(tree.key, tree.value, left, rest);
  }
  if (left === undefined || right === undefined) return left ?? right;
  const next = lowest(right);
  return balanced(next.key, next.value, left, removed(right, next.key));
}

function lowest<K, V>(tree: Node<K, V>): Node<K, V> {
  let node = tree;
  while (node.left !== undefined) node = node.left;
  return node;
}
