import { expect } from 'chai';
import fc from 'fast-check';
import { admitted, type Circuit, CLOSED, type Result, settled } from '#src/actors/resilience/circuit.js';
import { RetryBudget } from '#src/actors/resilience/retry-budget.js';

const plans = fc.record({
  failures: fc.integer({ min: 1, max: 4 }),
  openMs: fc.integer({ min: 1, max: 50 }),
  probes: fc.integer({ min: 1, max: 3 }),
});
const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('ask' as const) }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 60 }) }),
    fc.record({
      kind: fc.constant('settle' as const),
      which: fc.nat(),
      result: fc.constantFrom<Result>('success', 'failure', 'neither'),
    }),
  ),
  { maxLength: 60 },
);

describe('the state of a circuit breaker', () => {
  it('opens after its failures in succession, probes within its bound, and is open for its time', () => {
    fc.assert(
      fc.property(plans, steps, (plan, all) => {
        let circuit: Circuit = CLOSED;
        let nowMs = 0;
        const pending: number[] = [];
        let inSuccession = 0;
        for (const step of all) {
          const before = circuit;
          if (step.kind === 'wait') nowMs += step.ms;
          else if (step.kind === 'ask') {
            const result = admitted(circuit, nowMs, plan);
            ({ circuit } = result);
            if (result.refusedForMs === undefined) pending.push(circuit.generation);
            else expect(result.refusedForMs).to.be.within(0.001, plan.openMs);
            if (before.state === 'closed') expect(result.refusedForMs).to.equal(undefined);
            if (before.state === 'open') {
              expect(result.refusedForMs === undefined).to.equal(nowMs >= before.untilMs);
            }
          } else if (pending.length > 0) {
            const [generation = 0] = pending.splice(step.which % pending.length, 1);
            circuit = settled(circuit, generation, step.result, nowMs, plan);
            if (generation !== before.generation) expect(circuit).to.equal(before);
            else if (before.state === 'closed') {
              if (step.result === 'failure') inSuccession++;
              else if (step.result === 'success') inSuccession = 0;
              expect(circuit.state === 'open').to.equal(inSuccession >= plan.failures);
            } else if (step.result === 'failure') expect(circuit.state).to.equal('open');
          }
          if (circuit.state !== before.state) inSuccession = 0;
          const ofNow = pending.filter((generation) => generation === circuit.generation).length;
          if (circuit.state === 'half-open') {
            expect(circuit.pending).to.equal(ofNow);
            expect(ofNow).to.be.at.most(plan.probes);
          }
        }
      }),
    );
  });
});

describe('the budget of repeats', () => {
  it('never has more than its tokens, and loses none', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.constantFrom(0, 0.1, 0.5, 1),
        fc.array(fc.boolean(), { maxLength: 100 }),
        (tokens, perSuccess, successes) => {
          const budget = new RetryBudget({ tokens, perSuccess });
          let model = tokens * 10;
          for (const isSuccess of successes) {
            if (isSuccess) {
              budget.succeeded();
              model = Math.min(tokens * 10, model + perSuccess * 10);
              continue;
            }
            expect(budget.take()).to.equal(model >= 10);
            if (model >= 10) model -= 10;
          }
        },
      ),
    );
  });
});
