import { expect } from 'chai';
import fc from 'fast-check';
import { type Diff, ReplicaMirror, ReplicaSource } from '#src/actors/control-plane/index.js';
import { ProtocolError } from '#src/errors.js';

/** A listener as its owner keeps it: the mirror, and the entries it applies to. */
class Listener {
  readonly mirror = new ReplicaMirror();
  readonly entries = new Map<number, Entry>();
  /** Ids that an update has removed. */
  readonly removed = new Set<number>();

  /** Takes an update; returns the nonce to acknowledge. */
  take({ changed, removed, ...update }: Diff<Entry>): number {
    if (this.mirror.accept(update) === 'apply') {
      const before = [...this.entries.keys()];
      if (update.isSnapshot) this.entries.clear();
      for (const entry of changed) this.entries.set(entry.id, entry);
      for (const id of removed) this.entries.delete(id);
      for (const id of before) if (!this.entries.has(id)) this.removed.add(id);
    }
    return this.mirror.nonce;
  }
}

interface Entry {
  readonly id: number;
  readonly value: number;
}

function sorted(entries: Iterable<Entry>): Entry[] {
  return [...entries].toSorted((left, right) => left.id - right.id);
}

const id = fc.integer({ min: 0, max: 6 });
const listener = fc.integer({ min: 0, max: 2 });
const step = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), id, value: fc.nat(99) }),
  fc.record({ kind: fc.constant('delete' as const), id }),
  fc.record({ kind: fc.constant('touch' as const) }),
  fc.record({ kind: fc.constant('listen' as const), listener }),
  fc.record({ kind: fc.constant('forget' as const), listener }),
  // An update leaves; what becomes of those on their way is drawn apart.
  fc.record({ kind: fc.constant('send' as const), listener }),
  fc.record({ kind: fc.constant('arrive' as const), listener, pick: fc.nat(9), stays: fc.boolean() }),
  fc.record({ kind: fc.constant('lose' as const), listener, pick: fc.nat(9) }),
  fc.record({ kind: fc.constant('acknowledge' as const), listener, pick: fc.nat(9), stays: fc.boolean() }),
  fc.record({ kind: fc.constant('fence' as const) }),
);

function take<T>(items: T[], pick: number, stays: boolean): T | undefined {
  const index = pick % Math.max(1, items.length);
  return stays ? items[index] : items.splice(index, 1)[0];
}

describe('a replica', () => {
  it('converges after any loss, repetition and reordering; fences pass when all have acknowledged or ended', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), fc.option(fc.integer({ min: 1, max: 4 })), (steps, most) => {
        const source = new ReplicaSource<Entry>(most === null ? undefined : { bytes: most, sizeOf: () => 1 });
        const listeners = new Map<number, Listener>();
        const updates = new Map<number, Diff<Entry>[]>();
        const acknowledgements = new Map<number, number[]>();
        const deleted = new Set<number>();
        const fences: { nonce: number; waits: Set<number>; isPassed: boolean }[] = [];
        const isDue = (fence: { nonce: number; waits: Set<number> }): boolean =>
          [...fence.waits].every((waiting) => (listeners.get(waiting)?.mirror.nonce ?? 0) >= fence.nonce);
        for (const each of steps) {
          switch (each.kind) {
            case 'set':
              source.set(each.id, { id: each.id, value: each.value });
              break;
            case 'delete':
              if (source.delete(each.id)) deleted.add(each.id);
              break;
            case 'touch':
              source.touch();
              break;
            case 'listen':
              if (!listeners.has(each.listener)) {
                source.listen(each.listener);
                listeners.set(each.listener, new Listener());
                updates.set(each.listener, []);
                acknowledgements.set(each.listener, []);
              }
              break;
            case 'forget':
              listeners.delete(each.listener);
              for (const fence of fences) fence.waits.delete(each.listener);
              source.forget(each.listener);
              break;
            case 'send': {
              const diff = source.diffFor(each.listener);
              if (diff?.isSnapshot === true) expect(sorted(diff.changed)).to.deep.equal(sorted(source.entries()));
              for (const gone of diff?.removed ?? []) expect(source.get(gone)).to.equal(undefined);
              if (diff !== undefined) updates.get(each.listener)?.push(diff);
              break;
            }
            case 'lose':
              take(updates.get(each.listener) ?? [], each.pick, false);
              take(acknowledgements.get(each.listener) ?? [], each.pick, false);
              break;
            case 'arrive': {
              const update = take(updates.get(each.listener) ?? [], each.pick, each.stays);
              const to = listeners.get(each.listener);
              if (update !== undefined && to !== undefined) acknowledgements.get(each.listener)?.push(to.take(update));
              break;
            }
            case 'acknowledge': {
              const nonce = take(acknowledgements.get(each.listener) ?? [], each.pick, each.stays);
              if (nonce !== undefined && listeners.has(each.listener)) source.acknowledge(each.listener, nonce);
              break;
            }
            case 'fence': {
              const fence = { nonce: source.nonce, waits: new Set(listeners.keys()), isPassed: false };
              fences.push(fence);
              source.fence(() => {
                fence.isPassed = true;
              });
              break;
            }
          }
          for (const fence of fences) {
            if (fence.isPassed) expect(isDue(fence), 'a fence passed before all were there').to.equal(true);
          }
        }
        // From here on nothing is lost: one round, and all are equal.
        for (const [number, to] of listeners) {
          for (let rounds = 0, diff = source.diffFor(number); diff !== undefined; diff = source.diffFor(number)) {
            source.acknowledge(number, to.take(diff));
            expect((rounds += 1), 'rounds').to.be.lessThan(most === null ? 3 : 12);
          }
          expect(sorted(to.entries.values())).to.deep.equal(sorted(source.entries()));
          expect(
            [...to.removed].filter((removed) => !deleted.has(removed)),
            'removed, but never deleted',
          ).to.be.empty;
        }
        expect(fences.every(({ isPassed }) => isPassed)).to.equal(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('gives a late listener a snapshot, and one that is behind by too much', () => {
    const source = new ReplicaSource<Entry>();
    source.listen(1);
    source.set(1, { id: 1, value: 0 });
    expect(source.diffFor(1)).to.deep.include({ isSnapshot: true, nonce: 1 });
    source.acknowledge(1, 1);
    for (let value = 1; value <= 500; value += 1) source.set(1, { id: 1, value });
    expect(source.diffFor(1)).to.deep.equal({
      base: 1,
      nonce: 501,
      isSnapshot: false,
      changed: [{ id: 1, value: 500 }],
      removed: [],
    });
    for (let id = 2; id <= 5_000; id += 1) {
      source.set(id, { id, value: 0 });
      source.delete(id);
    }
    expect(source.isBehind(1)).to.equal(true);
    expect(source.diffFor(1)).to.deep.include({ isSnapshot: true, changed: [{ id: 1, value: 500 }] });
    source.listen(2);
    expect(source.isBehind(2)).to.equal(false);
    expect(source.diffFor(2)).to.deep.include({ isSnapshot: true, changed: [{ id: 1, value: 500 }] });
  });

  it('tells a new listener in parts, however much changes between them', () => {
    const source = new ReplicaSource<Entry>({ bytes: 100, sizeOf: () => 1 });
    for (let id = 0; id < 5_000; id += 1) source.set(id, { id, value: 0 });
    source.listen(1);
    const listener = new Listener();
    let parts = 0;
    for (let diff = source.diffFor(1); diff !== undefined; diff = source.diffFor(1)) {
      parts += 1;
      expect(diff.changed.length).to.be.at.most(100);
      source.acknowledge(1, listener.take(diff));
      if (parts > 20) continue;
      for (let each = 0; each < 10; each += 1) {
        source.set(parts * 100 + each, { id: parts * 100 + each, value: parts });
        source.delete(parts * 7 + each);
      }
    }
    expect(parts).to.be.greaterThan(40);
    expect(sorted(listener.entries.values())).to.deep.equal(sorted(source.entries()));
  });

  it('removes nothing that exists, and all that was deleted, when the first part is repeated', () => {
    const source = new ReplicaSource<Entry>({ bytes: 2, sizeOf: () => 1 });
    for (const id of [1, 2, 3, 4, 5]) source.set(id, { id, value: 0 });
    source.listen(1);
    const listener = new Listener();
    const first = source.diffFor(1);
    if (first !== undefined) listener.take(first);
    // Its acknowledgement is lost, and meanwhile the source changes.
    source.set(1, { id: 1, value: 1 });
    source.delete(2);
    for (let diff = source.diffFor(1); diff !== undefined; diff = source.diffFor(1)) {
      source.acknowledge(1, listener.take(diff));
    }
    expect([...listener.removed]).to.deep.equal([2]);
    expect(sorted(listener.entries.values())).to.deep.equal(sorted(source.entries()));
  });

  it('passes a fence at once without listeners, and when the last that holds it ends', () => {
    const source = new ReplicaSource<Entry>();
    let passed = 0;
    source.fence(() => void passed++);
    expect(passed).to.equal(1);
    source.listen(1);
    source.set(1, { id: 1, value: 1 });
    source.fence(() => void passed++);
    expect(passed).to.equal(1);
    source.forget(1);
    expect(passed).to.equal(2);
  });

  it('refuses an acknowledgement of what was never sent', () => {
    const source = new ReplicaSource<Entry>();
    source.listen(1);
    expect(() => source.acknowledge(1, 5)).to.throw(ProtocolError, 'nonce 5');
    expect(source.acknowledge(2, 5), 'of one that does not listen').to.equal(false);
  });

  it('goes on for a new listener that first hears an update meant for the one before it', () => {
    const source = new ReplicaSource<Entry>();
    source.listen(1);
    const mirror = new Listener();
    expect(mirror.take({ base: 4, nonce: 5, isSnapshot: false, changed: [], removed: [] })).to.equal(0);
    source.set(1, { id: 1, value: 1 });
    source.acknowledge(1, 0);
    const diff = source.diffFor(1);
    expect(diff === undefined ? undefined : mirror.take(diff)).to.equal(1);
    expect([...mirror.entries.keys()]).to.deep.equal([1]);
  });
});
