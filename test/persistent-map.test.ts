import { expect } from 'chai';
import fc from 'fast-check';
import { PersistentMap } from '#src/persistent-map.js';

type Step = { readonly key: number; readonly value: number | undefined };

const steps = fc.array(
  fc.record({ key: fc.integer({ min: 0, max: 60 }), value: fc.option(fc.integer(), { nil: undefined }) }),
  { maxLength: 300 },
);

function applied(map: PersistentMap<number, number>, { key, value }: Step): PersistentMap<number, number> {
  return value === undefined ? map.without(key) : map.with(key, value);
}

/** The longest path from the root, in nodes. */
function depthOf(root: PersistentMap<number, number>['root']): number {
  return root === undefined ? 0 : 1 + Math.max(depthOf(root.left), depthOf(root.right));
}

describe('a persistent map', () => {
  it('has what a Map has after the same steps, in the order of the keys', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const model = new Map<number, number>();
        let map = PersistentMap.empty<number, number>();
        for (const step of list) {
          map = applied(map, step);
          if (step.value === undefined) model.delete(step.key);
          else model.set(step.key, step.value);
          expect(map.size).to.equal(model.size);
          expect(map.get(step.key)).to.equal(model.get(step.key));
          expect(map.has(step.key)).to.equal(model.has(step.key));
        }
        const expected = [...model].sort(([one], [other]) => one - other);
        expect([...map]).to.deep.equal(expected);
        expect([...map.keys()]).to.deep.equal(expected.map(([key]) => key));
        expect([...map.values()]).to.deep.equal(expected.map(([, value]) => value));
        for (const low of [-1, 0, 7, 60]) {
          expect([...map.after(low)]).to.deep.equal(expected.filter(([key]) => key > low));
        }
        expect(map.first).to.equal(expected[0]?.[0]);
      }),
    );
  });

  it('keeps every earlier version', () => {
    fc.assert(
      fc.property(steps, (list) => {
        let map = PersistentMap.empty<number, number>();
        const versions = list.map((step) => {
          map = applied(map, step);
          return { map, entries: [...map] };
        });
        for (const { map: version, entries } of versions) expect([...version]).to.deep.equal(entries);
      }),
    );
  });

  it('is itself where nothing changes', () => {
    const map = PersistentMap.empty<string, number>().with('one', 1);
    expect(map.with('one', 1)).to.equal(map);
    expect(map.without('two')).to.equal(map);
    expect(map.without('one').first).to.equal(undefined);
  });

  it('takes keys of 64 bits', () => {
    const keys = [2n ** 63n, 1n, 2n ** 32n];
    const map = keys.reduce((all, key) => all.with(key, `${key}`), PersistentMap.empty<bigint, string>());
    expect([...map.keys()]).to.deep.equal([1n, 2n ** 32n, 2n ** 63n]);
    expect(map.get(2n ** 32n)).to.equal(`${2n ** 32n}`);
  });

  it('stays balanced, whether keys come in order or leave in order', () => {
    let map = PersistentMap.empty<number, number>();
    for (let key = 0; key < 10_000; key += 1) map = map.with(key, key);
    expect(depthOf(map.root)).to.be.at.most(26);
    for (let key = 0; key < 9_000; key += 1) map = map.without(key);
    expect(map.size).to.equal(1_000);
    expect(depthOf(map.root)).to.be.at.most(20);
  });
});
