import { expect } from 'chai';
import fc from 'fast-check';
import { ConfigError } from '#src/errors.js';
import { planEngineGroups } from '#src/resources/index.js';

describe('engine groups', () => {
  const cpus = [0, 1, 2, 3, 8, 9];

  it('are one, main, with all processors, where none is asked for', () => {
    expect(planEngineGroups(cpus)).to.deep.equal([{ name: 'main', concurrency: 6, cpus }]);
  });

  it('have processors of their own, as many as their budgets; main keeps the others', () => {
    expect(planEngineGroups(cpus, { parse: 3, infer: 1 })).to.deep.equal([
      { name: 'main', concurrency: 2, cpus: [0, 1] },
      { name: 'parse', concurrency: 3, cpus: [3, 8, 9] },
      { name: 'infer', concurrency: 1, cpus: [2] },
    ]);
  });

  it('share with main where processors are short, and keep their budgets', () => {
    expect(planEngineGroups([0], { parse: 4 })).to.deep.equal([
      { name: 'main', concurrency: 1, cpus: [0] },
      { name: 'parse', concurrency: 4, cpus: [0] },
    ]);
    expect(planEngineGroups(cpus, { main: 1 })).to.deep.equal([{ name: 'main', concurrency: 1, cpus }]);
  });

  it('that wait for peers take no processor: any number of them shares that of main', () => {
    expect(planEngineGroups(cpus, { network: 64, parse: 1 })).to.deep.equal([
      { name: 'main', concurrency: 5, cpus: [0, 1, 2, 3, 8] },
      { name: 'network', concurrency: 64, cpus: [0, 1, 2, 3, 8] },
      { name: 'parse', concurrency: 1, cpus: [9] },
    ]);
  });

  it('leave no processor and no budget out, whatever they are', () => {
    const budgets = fc.dictionary(fc.string({ minLength: 1 }), fc.integer({ min: 1, max: 8 }), { maxKeys: 5 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), budgets, (count, groups) => {
        const all = Array.from({ length: count }, (_, cpu) => cpu);
        const planned = planEngineGroups(all, groups);
        expect(new Set(planned.flatMap((group) => group.cpus))).to.deep.equal(new Set(all));
        for (const [name, concurrency] of Object.entries(groups)) {
          expect(planned.filter((group) => group.name === name).map((group) => group.concurrency)).to.deep.equal([
            concurrency,
          ]);
        }
      }),
    );
  });

  for (const bad of [0, -1, 1.5, Number.NaN, 4_097]) {
    it(`are refused with a budget of ${bad}`, () => {
      expect(() => planEngineGroups(cpus, { parse: bad })).to.throw(ConfigError, 'parse');
      expect(() => planEngineGroups(cpus, { main: bad })).to.throw(ConfigError, 'main');
    });
  }
});
