import { expect } from 'chai';
import { RecentMap } from '#src/recent-map.js';

describe('a map of recent entries', () => {
  it('keeps the last that were set, and forgets the oldest', () => {
    const map = new RecentMap<string, number>(2);
    map.set('a', 1).set('b', 2).set('c', 3);
    expect([...map]).to.deep.equal([
      ['b', 2],
      ['c', 3],
    ]);
  });

  it('takes an entry that is set again for the newest, and forgets no other for it', () => {
    const map = new RecentMap<string, number>(2);
    map.set('a', 1).set('b', 2).set('a', 3);
    expect([...map.keys()]).to.deep.equal(['b', 'a']);
    map.set('c', 4);
    expect([...map]).to.deep.equal([
      ['a', 3],
      ['c', 4],
    ]);
  });

  it('keeps an entry of no value as any other', () => {
    const map = new RecentMap<number, undefined>(1);
    map.set(1, undefined);
    expect(map.has(1)).to.equal(true);
    map.delete(1);
    expect(map.size).to.equal(0);
  });
});
