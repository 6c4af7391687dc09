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

  it('have ended where a later control plane has given their ids to others, and go on where it has not', () => {
    const { resources, removed } = mirror();
    const member = (group: string, cUid: bigint): v1.Resource['detail'] => ({
      case: 'groupMember',
      value: v1.GroupMember.create({ group, ref: { cUid } }),
    });
    const process = (pUid: bigint): v1.Resource['detail'] => ({ case: 'process', value: v1.Process.create({ pUid }) });
    const partition = (ordinal: number): v1.Resource['detail'] => ({
      case: 'partition',
      value: v1.Partition.create({ ordinal }),
    });
    const view = (epoch: number, details: readonly v1.Resource['detail'][]): v1.Update => {
      const changed = details.map((detail, id) => v1.Resource.create({ id, detail }));
      return v1.Update.create({ epoch, view: 1, base: 0, nonce: 1, isSnapshot: true, changed, isComplete: true });
    };
    const before = [
      member('a', 1n),
      member('a', 2n),
      member('a', 3n),
      process(1n),
      process(2n),
      partition(1),
      partition(2),
    ];
    const after = [
      member('a', 1n),
      member('a', 9n),
      member('b', 3n),
      process(1n),
      process(9n),
      partition(1),
      process(3n),
    ];
    resources.apply(view(1, before));
    resources.apply(view(2, after));
    expect(removed).to.deep.equal([1, 2, 4, 6]);
    expect([...resources.all()].map(({ detail }) => detail)).to.have.deep.members(after);
  });
});
