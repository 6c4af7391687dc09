import { expect } from 'chai';
import fc from 'fast-check';
import { placePipeline } from '#src/actors/runtime/placement.js';
import { v1 } from '#src/protocol/index.js';

const segment = (name: string, instances: number, placedWith = '') =>
  v1.SegmentDefinition.create({ name, ingress: 'in', egress: 'out', instances, placedWith });

describe('placement', () => {
  it('spreads instances in turn over all partitions', () => {
    const definition = v1.PipelineDefinition.create({ segments: [segment('a', 1), segment('b', 4)] });
    const { segments } = placePipeline(definition, [], [3, 5, 8]);
    expect(segments.map(({ name, instance, partition }) => [name, instance, partition])).to.deep.equal([
      ['a', 0, 3],
      ['b', 0, 5],
      ['b', 1, 8],
      ['b', 2, 3],
      ['b', 3, 5],
    ]);
  });

  it('puts each instance beside one of the segment that it is placed with', () => {
    const definition = v1.PipelineDefinition.create({ segments: [segment('a', 2), segment('b', 3, 'a')] });
    const { segments } = placePipeline(definition, [], [1, 2, 3]);
    expect(segments.map(({ partition }) => partition)).to.deep.equal([1, 2, 1, 2, 1]);
  });

  it('places exactly what was asked for, where it may run', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        fc.integer({ min: 1, max: 12 }),
        fc.nat({ max: 5 }),
        (ordinals, declared, wished) => {
          const definition = v1.PipelineDefinition.create({ segments: [segment('a', declared)] });
          const allowed = ordinals.slice(0, 1 + (declared % ordinals.length));
          const mapping = [v1.Mapping.create({ segment: 'a', instances: wished, partitions: allowed })];
          const { segments } = placePipeline(definition, mapping, ordinals);
          expect(segments).to.have.length(wished === 0 ? declared : wished);
          expect(segments.every(({ partition }) => allowed.includes(partition ?? 0))).to.equal(true);
          const counts = allowed.map((each) => segments.filter(({ partition }) => partition === each).length);
          expect(Math.max(...counts) - Math.min(...counts)).to.be.at.most(1);
        },
      ),
    );
  });
});
