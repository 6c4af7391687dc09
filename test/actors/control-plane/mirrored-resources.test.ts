import { expect } from 'chai';
import { MirroredResources } from '#src/actors/control-plane/mirrored-resources.js';
import { silentLogger } from '#src/logging/index.js';
import { v1 } from '#src/protocol/index.js';

function mirror() {
  const removed: number[] = [];
  const resources = new MirroredResources(silentLogger, { changed: () => {}, removed: (id) => void removed.push(id) });
  return { resources, removed };
}

function snapshot(epoch: number, view: number, ids: readonly number[]): v1.Update {
  const changed = ids.map((id) => ({ id }));
  return v1.Update.create({ epoch, view, base: 0, nonce: 1, isSnapshot: true, changed, isComplete: true });
}

describe('the mirrored resources of a process', () => {
  it('ignore what comes late of an earlier view or an earlier control plane', () => {
    const { resources, removed } = mirror();
    expect(resources.apply(snapshot(2, 2, [1, 2]))).to.deep.equal({ nonce: 1, view: 2 });
    for (const late of [snapshot(2, 1, [3]), snapshot(1, 9, [4])]) expect(resources.apply(late)).to.equal(undefined);
    expect([...resources.all()].map(({ id }) => id)).to.deep.equal([1, 2]);
    expect(removed).to.deep.equal([]);
  });

  it('follow the view of a later control plane, although its number is lower', () => {
    const { resources, removed } = mirror();
    resources.apply(snapshot(1, 9, [1, 2]));
    expect(resources.apply(snapshot(2, 1, [2, 3]))).to.deep.equal({ nonce: 1, view: 1 });
    expect([...resources.all()].map(({ id }) => id)).to.have.members([2, 3]);
    expect(removed).to.deep.equal([1]);
  });
});
