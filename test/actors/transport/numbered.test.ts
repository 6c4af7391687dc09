import { expect } from 'chai';
import fc from 'fast-check';
import { Numbered } from '#src/actors/transport/numbered.js';

describe('what waits under numbers', () => {
  it('is found by its own number alone, as in a Map, whatever comes and goes', () => {
    const steps = fc.array(fc.oneof(fc.constant('add' as const), fc.nat()), { maxLength: 600 });
    fc.assert(
      fc.property(steps, (commands) => {
        const numbered = new Numbered<{ readonly correlation: number }>();
        const model = new Map<number, { readonly correlation: number }>();
        const gone: number[] = [];
        for (const command of commands) {
          if (command === 'add') {
            const item = { correlation: numbered.nextNumber() };
            expect(model.has(item.correlation)).to.equal(false);
            numbered.add(item);
            model.set(item.correlation, item);
          } else {
            const number = [...model.keys(), ...gone][command % (model.size + gone.length + 1)] ?? 12_345_678;
            expect(numbered.delete(number)).to.equal(model.delete(number));
            gone.push(number);
          }
          expect(numbered.size).to.equal(model.size);
        }
        for (const [number, item] of model) expect(numbered.get(number)).to.equal(item);
        for (const number of gone) expect(numbered.get(number)).to.equal(model.get(number));
        expect(numbered.values()).to.have.members([...model.values()]);
      }),
    );
  });

  it('passes over a number that is taken for long, and gives each once', () => {
    const numbered = new Numbered<{ readonly correlation: number }>();
    const long = { correlation: numbered.nextNumber() };
    numbered.add(long);
    const given = new Set([long.correlation]);
    for (let count = 0; count < 10_000; count += 1) {
      const item = { correlation: numbered.nextNumber() };
      expect(given.has(item.correlation)).to.equal(false);
      given.add(item.correlation);
      numbered.add(item);
      expect(numbered.delete(item.correlation)).to.equal(true);
    }
    expect(numbered.get(long.correlation)).to.equal(long);
    numbered.clear();
    expect(numbered.size).to.equal(0);
    expect(numbered.get(long.correlation)).to.equal(undefined);
  });
});
