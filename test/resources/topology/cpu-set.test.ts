import { expect } from 'chai';
import fc from 'fast-check';
import { ConfigError } from '#src/errors.js';
import { formatCpuList, parseCpuList } from '#src/resources/index.js';
import { parseBitmap } from '#src/resources/topology/cpu-set.js';
import { bitmap } from './machine.js';

const sets = fc.uniqueArray(fc.nat({ max: 4_095 })).map((cpus) => cpus.toSorted((left, right) => left - right));

describe('a list of processors', () => {
  it('is read as the kernel writes it', () => {
    expect(parseCpuList('0')).to.deep.equal([0]);
    expect(parseCpuList('0-3,8')).to.deep.equal([0, 1, 2, 3, 8]);
    expect(parseCpuList('0-1,4-5,64')).to.deep.equal([0, 1, 4, 5, 64]);
    expect(parseCpuList(' 2 , 3-3 ')).to.deep.equal([2, 3]);
    expect(parseCpuList('3-5,0,4-6,5')).to.deep.equal([0, 3, 4, 5, 6]);
  });

  for (const bad of ['', ',', '1,', 'a', '1-', '-1', '3-1', '1-2-3', '0x1', '1.5', '1 2', '0-99999999999']) {
    it(`is refused when it is "${bad}"`, () => {
      expect(() => parseCpuList(bad)).to.throw(ConfigError, '0-3,8');
    });
  }

  it('is written as the kernel writes it', () => {
    expect(formatCpuList([0, 1, 2, 3, 8])).to.equal('0-3,8');
    expect(formatCpuList([5])).to.equal('5');
    expect(formatCpuList([])).to.equal('');
  });

  it('comes back as it was written', () => {
    fc.assert(
      fc.property(sets, (cpus) => {
        fc.pre(cpus.length > 0);
        expect(parseCpuList(formatCpuList(cpus))).to.deep.equal(cpus);
      }),
    );
  });
});

describe('a bitmap of hwloc', () => {
  it('is read from its words, of which an empty one is zero', () => {
    expect(parseBitmap('0x00000005')).to.deep.equal([0, 2]);
    expect(parseBitmap('0x80000000')).to.deep.equal([31]);
    expect(parseBitmap('0x00000001,,0x00000002')).to.deep.equal([1, 64]);
    expect(parseBitmap('0x0')).to.deep.equal([]);
  });

  it('is read whatever is in it', () => {
    fc.assert(
      fc.property(sets, (cpus) => {
        expect(parseBitmap(bitmap(cpus))).to.deep.equal(cpus);
      }),
    );
  });

  for (const bad of ['', '0xf...f', '0x', '12', '0x123456789', '0x1,0xg', '0x1,'.repeat(5_000)]) {
    it(`is refused when it is "${bad.slice(0, 20)}"`, () => {
      expect(parseBitmap(bad)).to.equal(undefined);
    });
  }
});
