import { expect } from 'chai';
import fc from 'fast-check';
import { CANCELLED, failed, failureOf, nameOf, OK, State } from '#src/actors/control-plane/index.js';
import { acceptActual, raiseRequested } from '#src/actors/control-plane/state/life-cycle.js';
import { ProtocolError } from '#src/errors.js';

const state = fc.constantFrom<State>(1, 2, 3, 4, 5, 6, 7, 8, 9);
const odd = fc.constantFrom<State>(1, 3, 5, 7, 9);
const outcome = fc.constantFrom(undefined, OK, CANCELLED, failed({ code: 'HANDLER' }));

describe('the life cycle', () => {
  it('requests odd states only, and never back', () => {
    fc.assert(
      fc.property(odd, state, (current, next) => {
        if (next % 2 === 0) expect(() => raiseRequested(current, next)).to.throw(ProtocolError);
        else expect(raiseRequested(current, next)).to.equal(Math.max(current, next));
      }),
    );
  });

  it('has actual states that never go back, nor pass the requested one, failures apart', () => {
    const step = fc.oneof(fc.record({ request: odd }), fc.record({ report: state, outcome }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let requested: State = State.INITIALIZED;
        let actual: State = State.INITIALIZED;
        let hasFailed = false;
        for (const each of steps) {
          const before = actual;
          if ('request' in each) requested = raiseRequested(requested, each.request);
          else {
            const isFailure = each.report === State.STOPPED && failureOf(each.outcome) !== undefined;
            if (each.report > actual && each.report > requested && !isFailure) {
              expect(() => acceptActual(requested, actual, each.report, each.outcome)).to.throw(ProtocolError);
            } else {
              actual = acceptActual(requested, actual, each.report, each.outcome) ?? actual;
              hasFailed ||= isFailure && actual === State.STOPPED;
            }
          }
          expect(actual).to.be.at.least(before);
          if (actual > requested) expect(hasFailed && actual === State.STOPPED).to.equal(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('refuses states that do not exist, and has a name for each', () => {
    const none = State.LIFE_CYCLE_UNSPECIFIED;
    expect(() => acceptActual(State.DESTROYED, State.INITIALIZED, none, OK)).to.throw(ProtocolError, 'not 0');
    expect(() => raiseRequested(State.INITIALIZED, none)).to.throw(ProtocolError, 'odd');
    expect(nameOf(State.STOPPED)).to.equal('stopped');
    expect(nameOf(State.LIFE_CYCLE_UNSPECIFIED)).to.equal('unspecified');
  });
});
