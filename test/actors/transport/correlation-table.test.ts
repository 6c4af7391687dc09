import { expect } from 'chai';
import fc from 'fast-check';
import { CorrelationTable } from '#src/actors/transport/correlation-table.js';

describe('CorrelationTable', () => {
  it('finds an entry by its own number only, as a Map does, whatever was added and deleted', () => {
    const steps = fc.array(fc.oneof(fc.constant('add' as const), fc.nat()), { maxLength: 600 });
    fc.assert(
      fc.property(steps, (commands) => {
        const table = new CorrelationTable<{ readonly correlation: number }>();
        const model = new Map<number, { readonly correlation: number }>();
        const gone: number[] = [];
        for (const command of commands) {
          if (command === 'add') {
            const item = { correlation: table.nextCorrelation() };
            expect(model.has(item.correlation)).to.equal(false);
            table.add(item);
            model.set(item.correlation, item);
          } else {
            const number = [...model.keys(), ...gone][command % (model.size + gone.length + 1)] ?? 12_345_678;
            expect(table.delete(number)).to.equal(model.delete(number));
            gone.push(number);
          }
          expect(table.size).to.equal(model.size);
        }
        for (const [number, item] of model) expect(table.get(number)).to.equal(item);
        for (const number of gone) expect(table.get(number)).to.equal(model.get(number));
        expect(table.values()).to.have.members([...model.values()]);
      }),
    );
  });

  it('passes over a number that is taken for long, and gives each once', () => {
    const table = new CorrelationTable<{ readonly correlation: number }>();
    const long = { correlation: table.nextCorrelation() };
    table.add(long);
    const given = new Set([long.correlation]);
    for (let count = 0; count < 10_000; count += 1) {
      const item = { correlation: table.nextCorrelation() };
      expect(given.has(item.correlation)).to.equal(false);
      given.add(item.correlation);
      table.add(item);
      expect(table.delete(item.correlation)).to.equal(true);
    }
    expect(table.get(long.correlation)).to.equal(long);
    table.clear();
    expect(table.size).to.equal(0);
    expect(table.get(long.correlation)).to.equal(undefined);
  });
});
