import { availableParallelism } from 'node:os';
import { expect } from 'chai';
import fc from 'fast-check';
import { ConfigError } from '#src/errors.js';
import { describeSystem, machineProvider, parseCpuList } from '#src/resources/index.js';

describe('a list of processors', () => {
  it('is read as the kernel writes it', () => {
    expect(parseCpuList('0')).to.deep.equal([0]);
    expect(parseCpuList('0-3,8')).to.deep.equal([0, 1, 2, 3, 8]);
    expect(parseCpuList('0-1,4-5,64')).to.deep.equal([0, 1, 4, 5, 64]);
    expect(parseCpuList(' 2 , 3-3 ')).to.deep.equal([2, 3]);
  });

  for (const bad of ['', ',', '1,', 'a', '1-', '-1', '3-1', '1-2-3', '0x1', '1.5', '1 2', '0-99999999999']) {
    it(`is refused when it is "${bad}"`, () => {
      expect(() => parseCpuList(bad)).to.throw(ConfigError, '0-3,8');
    });
  }

  it('comes back as it was written', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat({ max: 4_095 })), (cpus) => {
        fc.pre(cpus.length > 0);
        expect(parseCpuList(cpus.join(','))).to.deep.equal(cpus);
      }),
    );
  });
});

describe('a system', () => {
  const cpus = [0, 1, 2, 3, 8, 9];

  it('has one partition with all its processors unless more are asked for', () => {
    expect(describeSystem({}, cpus, 6)).to.deep.equal({
      cpus,
      availableParallelism: 6,
      partitions: [{ index: 0, cpus }],
    });
  });

  it('divides its processors among its partitions: each has its share, none is left, near ones stay together', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 64 }), (count, partitions) => {
        const all = Array.from({ length: count }, (_, cpu) => cpu);
        const plans = describeSystem({ partitions }, all, count).partitions;
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
    expect(describeSystem({ partitions: 2 }, [], 1).partitions).to.deep.equal([
      { index: 0, cpus: [] },
      { index: 1, cpus: [] },
    ]);
  });

  for (const partitions of [0, -1, 1.5, Number.NaN, 1_025, Number.POSITIVE_INFINITY]) {
    it(`is refused with ${partitions} partitions`, () => {
      expect(() => describeSystem({ partitions }, cpus, 6)).to.throw(ConfigError, 'from 1 to 1024');
    });
  }

  it('is this machine where nothing else is said', () => {
    const system = machineProvider({});
    expect(system.availableParallelism).to.equal(availableParallelism());
    expect(system.cpus.length).to.be.greaterThan(0);
    expect(machineProvider({}), 'the same each time').to.deep.equal(system);
  });
});
