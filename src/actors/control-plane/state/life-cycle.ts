import { ProtocolError } from '../../../errors.js';
import { v1 } from '../../../protocol/index.js';

/**
 * The states of every resource, in order:
 *
 *     Initialized 1 > Creating 2 > Created 3 > Running 4 > Completed 5 > Stopping 6 > Stopped 7 > Destroying 8 > Destroyed 9
 *
 * The server requests odd states; the owner reports actual states. The actual state never passes the requested one, except that a
 * failure moves to Stopped from any state. States may be skipped; neither side goes back.
 */
export const State = v1.LifeCycle;
export type State = v1.LifeCycle;

const REQUESTED = [State.INITIALIZED, State.CREATED, State.COMPLETED, State.STOPPED, State.DESTROYED];

/** Raises the requested state; a request for an earlier state changes nothing. */
export function raiseRequested(current: State, next: State): State {
  if (next % 2 === 0 || next < State.INITIALIZED || next > State.DESTROYED) {
    throw new ProtocolError(`A requested state must be an odd number from 1 to 9, not ${next}.`);
  }
  return next > current ? next : current;
}

/** The lowest state that must have been requested of a resource that is in this actual state. */
export function requestedFor(actual: State): State {
  return REQUESTED.find((state) => state >= actual) ?? State.DESTROYED;
}

/** The actual state after a report; undefined when the report is a repeat, or an old one. */
export function acceptActual(
  requested: State,
  actual: State,
  reported: State,
  outcome: v1.Outcome | undefined,
): State | undefined {
  if (reported < State.INITIALIZED || reported > State.DESTROYED) {
    throw new ProtocolError(`A reported state must be a number from 1 to 9, not ${reported}.`);
  }
  if (reported <= actual) {
    return undefined;
  }
  const isFailure = reported === State.STOPPED && failureOf(outcome) !== undefined;
  if (reported > requested && !isFailure) {
    throw new ProtocolError(`State ${nameOf(reported)} was reported, but only ${nameOf(requested)} was requested.`);
  }
  return reported;
}

const NAMES = [
  'unspecified',
  'initialized',
  'creating',
  'created',
  'running',
  'completed',
  'stopping',
  'stopped',
  'destroying',
  'destroyed',
];

export function nameOf(state: State): string {
  return NAMES[state] ?? `state ${state}`;
}

export const OK: v1.Outcome = { result: { case: 'ok', value: true }, givenUp: false };
export const CANCELLED: v1.Outcome = { result: { case: 'cancelled', value: true }, givenUp: false };
export const GIVEN_UP: v1.Outcome = { ...CANCELLED, givenUp: true };

export function failed(failure: v1.FailureInit): v1.Outcome {
  return { result: { case: 'failed', value: v1.Failure.create(failure) }, givenUp: false };
}

export function failureOf(outcome: v1.Outcome | undefined): v1.Failure | undefined {
  return outcome?.result.case === 'failed' ? outcome.result.value : undefined;
}
