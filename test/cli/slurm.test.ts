import { expect } from 'chai';
import fc from 'fast-check';
import { slurmHosts } from '#src/cli/slurm.js';
import { ConfigError } from '#src/errors.js';

const prefix = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);

describe('the host list of a Slurm job', () => {
  it('is expanded as Slurm does', () => {
    expect(slurmHosts('login')).to.deep.equal(['login']);
    expect(slurmHosts('gpu[01-03,7],login')).to.deep.equal(['gpu01', 'gpu02', 'gpu03', 'gpu7', 'login']);
    expect(slurmHosts('r[1-2]n[08-10]')).to.deep.equal(['r1n08', 'r1n09', 'r1n10', 'r2n08', 'r2n09', 'r2n10']);
    expect(slurmHosts('node[9-11].example')).to.deep.equal(['node9.example', 'node10.example', 'node11.example']);
  });

  it('keeps plain names as they are', () => {
    fc.assert(
      fc.property(fc.array(prefix, { minLength: 1, maxLength: 20 }), (names) => {
        expect(slurmHosts(names.join(','))).to.deep.equal(names);
      }),
    );
  });

  it('has each number of a range once, with the width of the first', () => {
    const range = fc.record({
      name: prefix,
      first: fc.nat(5_000),
      count: fc.integer({ min: 1, max: 300 }),
      width: fc.nat(6),
    });
    fc.assert(
      fc.property(range, ({ name, first, count, width }) => {
        const digits = (number: number): string => String(number).padStart(width, '0');
        const expected = Array.from({ length: count }, (_, index) => name + digits(first + index));
        expect(slurmHosts(`${name}[${digits(first)}-${digits(first + count - 1)}]`)).to.deep.equal(expected);
      }),
    );
  });

  it('is refused with a ConfigError where it has another form', () => {
    const wrong = [
      '',
      ',',
      'a,',
      ',a',
      'a,,b',
      'a[',
      'a]',
      'a[]',
      'a[1',
      'a[1-]',
      'a[2-1]',
      'a[x]',
      'a[1-2',
      'a[[1]]',
      '-o',
      'a b',
      '[1-2]$',
      'a[0-99999999]',
      'a[1-300]b[1-300]',
    ];
    for (const list of wrong) expect(() => slurmHosts(list), list).to.throw(ConfigError, 'SLURM_JOB_NODELIST');
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-c[\],0-9-]{0,30}$/)), (list) => {
        try {
          for (const host of slurmHosts(list)) expect(host).to.match(/^[a-z0-9][\w.-]*$/i);
        } catch (error) {
          expect(error).to.be.instanceOf(ConfigError);
        }
      }),
    );
  });
});
