import { expect } from 'chai';
import fc from 'fast-check';
import { ConfigError } from '#src/errors.js';
import { describeSystem, machineProvider, usableParallelism } from '#src/resources/index.js';

describe('a system', () => {
  const cpus = [0, 1, 2, 3, 8, 9];

  it('has one partition with all its processors unless more are asked for', () => {
    const system = describeSystem({}, { affinity: cpus, availableParallelism: 6 });
    expect(system.cpus).to.deep.equal(cpus);
    expect(system.availableParallelism).to.equal(6);
    expect(system.partitions).to.deep.equal([{ index: 0, host: 0, cpus, cpuset: '0-3,8-9', nodes: [] }]);
  });

  it('divides its processors among its partitions: each has its share, none is left, near ones stay together', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 64 }), (count, partitions) => {
        const all = Array.from({ length: count }, (_, cpu) => cpu);
        const plans = describeSystem({ partitions }, { affinity: all }).partitions;
        expect(plans.map(({ index }) => index)).to.deep.equal(Array.from({ length: partitions }, (_, index) => index));
        const shares = plans.map((plan) => plan.cpus.length);
        if (partitions <= count) {
          expect(plans.flatMap((plan) => plan.cpus)).to.deep.equal(all);
          expect(Math.max(...shares) - Math.min(...shares)).to.be.at.most(1);
        } else {
          expect(new Set(shares)).to.deep.equal(new Set([1]));
          expect(new Set(plans.flatMap((plan) => plan.cpus))).to.deep.equal(new Set(all));
        }
      }),
    );
  });

  it('has partitions even where nothing is known of its processors', () => {
    const { partitions } = describeSystem({ partitions: 2 }, { affinity: [] });
    expect(partitions.map(({ cpuset }) => cpuset)).to.deep.equal(['', '']);
  });

  for (const partitions of [0, -1, 1.5, Number.NaN, 1_025, Number.POSITIVE_INFINITY]) {
    it(`is refused with ${partitions} partitions`, () => {
      expect(() => describeSystem({ partitions }, { affinity: cpus })).to.throw(ConfigError, 'from 1 to 1024');
    });
  }

  it('is this machine where nothing else is said', () => {
    const system = machineProvider({});
    expect(system.availableParallelism).to.equal(usableParallelism());
    expect(system.cpus.length).to.be.greaterThan(0);
    expect(machineProvider({}), 'the same each time').to.deep.equal(system);
  });
});
