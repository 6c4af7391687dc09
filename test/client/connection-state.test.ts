import { expect } from 'chai';
import fc from 'fast-check';
import {
  type ConnectionEffect,
  type ConnectionEvent,
  type ConnectionState,
  nextStep,
} from '#src/client/connection-state.js';
import { UnreachableError } from '#src/errors.js';

const TIMES = { connectMs: 5_000, heartbeatMs: 20_000, pongMs: 5_000, firstBackOffMs: 250, longestBackOffMs: 30_000 };
const error = new UnreachableError('gone');

const event: fc.Arbitrary<ConnectionEvent> = fc.oneof(
  fc
    .constantFrom<ConnectionEvent['kind']>('start', 'opened', 'welcome', 'heard', 'goingAway', 'timer', 'wake')
    .map((kind) => ({ kind }) as ConnectionEvent),
  fc.boolean().map((isFinal) => ({ kind: 'lost', error, isFinal }) as const),
);

/** Runs the machine, and keeps what a session keeps: a socket, and a timer. */
function run(events: readonly ConnectionEvent[], random: number) {
  const machine: { state: ConnectionState } = { state: { phase: 'idle' } };
  let sockets = 0;
  let timerMs: number | undefined;
  const log: ConnectionEffect['kind'][] = [];
  const check = (effect: ConnectionEffect): void => {
    log.push(effect.kind);
    if (effect.kind === 'dial') expect(++sockets, 'one socket at a time').to.equal(1);
    if (effect.kind === 'drop' || effect.kind === 'handOver') sockets = 0;
    if (effect.kind === 'setTimer') timerMs = effect.ms;
    if (effect.kind === 'stopTimer') timerMs = undefined;
    if (effect.kind === 'hello' || effect.kind === 'ping') expect(sockets).to.equal(1);
  };
  const on = (each: ConnectionEvent): void => {
    // A timer that is not set does not fire.
    if (each.kind === 'timer' && timerMs === undefined) return;
    if (each.kind === 'timer') timerMs = undefined;
    const before = machine.state;
    const step = nextStep(machine.state, each, TIMES, random);
    const { state } = step;
    machine.state = state;
    for (const effect of step.effects) check(effect);
    if (before.phase === 'open' && state.phase !== 'open') {
      expect(
        step.effects.some(({ kind }) => kind === 'failSent' || kind === 'failAll' || kind === 'handOver'),
        'sent calls fail, or are handed over',
      ).to.equal(true);
    }
    if (before.phase === 'closed') expect([state, step.effects]).to.deep.equal([before, []]);
  };
  for (const each of events) {
    on(each);
    const { state } = machine;
    // What waits has a deadline: nothing but closed and idle is without a timer.
    const isAtRest = state.phase === 'idle' || state.phase === 'closed';
    expect(timerMs === undefined, `${state.phase} with a timer of ${timerMs} ms`).to.equal(isAtRest);
    expect(sockets === 1).to.equal(state.phase === 'connecting' || state.phase === 'open');
    if (state.phase === 'waiting') expect(timerMs).to.be.within(TIMES.firstBackOffMs / 2, TIMES.longestBackOffMs);
  }
  return { state: machine.state, log, sockets };
}

describe('the connection of a client, as a state machine,', () => {
  it('has one socket at most and always a deadline, whatever happens, and closes for good', () => {
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 60 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (events, random) => {
          const machine = run([{ kind: 'start' }, ...events, { kind: 'close' }], random);
          expect(machine.state.phase).to.equal('closed');
          expect(machine.sockets).to.equal(0);
        },
      ),
    );
  });

  it('waits longer after each failure, up to the longest pause, and begins anew after a connection that lasts', () => {
    const pauses: number[] = [];
    let state: ConnectionState = { phase: 'idle' };
    const on = (each: ConnectionEvent): void => {
      const step = nextStep(state, each, TIMES, 0.5);
      state = step.state;
      for (const effect of step.effects)
        if (effect.kind === 'setTimer' && state.phase === 'waiting') pauses.push(effect.ms);
    };
    on({ kind: 'start' });
    for (let failures = 0; failures < 12; failures++) {
      on({ kind: 'lost', error, isFinal: false });
      on({ kind: 'timer' });
    }
    expect(pauses.slice(0, 3)).to.deep.equal([187.5, 375, 750]);
    expect(pauses.at(-1)).to.equal(22_500);
    on({ kind: 'welcome' });
    on({ kind: 'lost', error, isFinal: false });
    expect(pauses.at(-1), 'after a welcome alone').to.equal(22_500);
    on({ kind: 'timer' });
    on({ kind: 'welcome' });
    on({ kind: 'heard' });
    on({ kind: 'timer' });
    on({ kind: 'lost', error, isFinal: false });
    expect(pauses.at(-1)).to.equal(187.5);
  });

  it('asks a silent gateway whether it is there, and gives the connection up when that does not answer', () => {
    const { log } = run(
      [
        { kind: 'start' },
        { kind: 'opened' },
        { kind: 'welcome' },
        { kind: 'timer' },
        { kind: 'heard' },
        { kind: 'timer' },
      ],
      0,
    );
    expect(log.filter((kind) => kind === 'ping')).to.have.length(1);
    expect(log).to.not.include('drop');
    const silent = run([{ kind: 'start' }, { kind: 'welcome' }, { kind: 'timer' }, { kind: 'timer' }], 0);
    expect(silent.log.slice(-3)).to.deep.equal(['drop', 'failSent', 'setTimer']);
  });

  it('asks at once when the page wakes, and dials at once when it waited', () => {
    expect(run([{ kind: 'start' }, { kind: 'welcome' }, { kind: 'wake' }], 0).log.at(-2)).to.equal('ping');
    const waiting = run([{ kind: 'start' }, { kind: 'lost', error, isFinal: false }, { kind: 'wake' }], 0);
    expect(waiting.state.phase).to.equal('connecting');
  });
});
