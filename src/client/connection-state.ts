import { type MillraceError, StoppedError, UnreachableError } from '../errors.js';

// The connection of a client, as a pure state machine: it says what to do, and does nothing itself.
//
//     idle --start--> connecting --welcome--> open --lost, silent--> waiting --timer, wake--> connecting
//                         |                                            ^
//                         +------------lost, timer---------------------+
//                                                 open --goingAway--> waiting, while the old connection has its last answers
//     any --close, or a refusal that is final--> closed

/** What users see of the connection. */
export type ClientState = 'connecting' | 'open' | 'waiting' | 'closed';

export type ConnectionState =
  | { readonly phase: 'idle' }
  | { readonly phase: 'connecting'; readonly failures: number }
  /**
   * `hasHeard`: something has arrived since the timer was set. `isProbed`: a ping is not answered yet. `failures`: those before it, until it has lasted: a gateway
   * that welcomes and then closes must not be dialed without a pause that grows.
   */
  | { readonly phase: 'open'; readonly hasHeard: boolean; readonly isProbed: boolean; readonly failures: number }
  | { readonly phase: 'waiting'; readonly failures: number; readonly error: MillraceError }
  | { readonly phase: 'closed'; readonly error: MillraceError };

export type ConnectionEvent =
  | { readonly kind: 'start' }
  /** The WebSocket is open; nothing was said. */
  | { readonly kind: 'opened' }
  | { readonly kind: 'welcome' }
  /** The gateway has said something. */
  | { readonly kind: 'heard' }
  | { readonly kind: 'goingAway' }
  /** The WebSocket has closed, or could not be opened. `isFinal`: trying again is of no use. */
  | { readonly kind: 'lost'; readonly error: MillraceError; readonly isFinal: boolean }
  | { readonly kind: 'timer' }
  /** The network is back, or the page is shown again. */
  | { readonly kind: 'wake' }
  | { readonly kind: 'close' };

export type ConnectionEffect =
  | { readonly kind: 'dial' }
  | { readonly kind: 'hello' }
  | { readonly kind: 'ping' }
  /** Takes the place of the timer before it. */
  | { readonly kind: 'setTimer'; readonly ms: number }
  | { readonly kind: 'stopTimer' }
  /** Closes the WebSocket, and hears nothing more of it. */
  | { readonly kind: 'drop' }
  /** Keeps the WebSocket for the answers to the calls that were sent, and for nothing else. */
  | { readonly kind: 'handOver' }
  /** Calls that were sent have no answer any more. */
  | { readonly kind: 'failSent'; readonly error: MillraceError }
  /** No call will be sent any more. */
  | { readonly kind: 'failAll'; readonly error: MillraceError };

/** Times in ms. */
export interface ConnectionTimes {
  /** For the WebSocket, and the answer to the hello. */
  readonly connectMs: number;
  /** Silence after which the gateway is asked whether it is there. */
  readonly heartbeatMs: number;
  /** Its time to answer. */
  readonly pongMs: number;
  /** The first pause before another attempt, which doubles up to the longest. */
  readonly firstBackOffMs: number;
  readonly longestBackOffMs: number;
}

export interface Step {
  readonly state: ConnectionState;
  readonly effects: readonly ConnectionEffect[];
}

/** `random` is a number in [0, 1): the clients of a gateway that starts anew must not come all at once. */
export function nextStep(state: ConnectionState, event: ConnectionEvent, times: ConnectionTimes, random: number): Step {
  if (event.kind === 'close') return closed(state, new StoppedError('The client was closed.'));
  switch (state.phase) {
    case 'idle':
      return event.kind === 'start' ? dial(0, times) : stay(state);
    case 'connecting':
      return whileConnecting(state, event, times, random);
    case 'open':
      return whileOpen(state, event, times, random);
    case 'waiting':
      return event.kind === 'timer' || event.kind === 'wake' ? dial(state.failures, times) : stay(state);
    case 'closed':
      return stay(state);
  }
}

/** What users see; a client that has not started is about to connect. */
export function shownState({ phase }: ConnectionState): ClientState {
  return phase === 'idle' ? 'connecting' : phase;
}

function whileConnecting(
  state: Extract<ConnectionState, { phase: 'connecting' }>,
  event: ConnectionEvent,
  times: ConnectionTimes,
  random: number,
): Step {
  switch (event.kind) {
    case 'opened':
      return { state, effects: [{ kind: 'hello' }] };
    case 'welcome':
      return {
        state: { phase: 'open', hasHeard: false, isProbed: false, failures: state.failures },
        effects: [{ kind: 'setTimer', ms: times.heartbeatMs }],
      };
    case 'lost':
      return event.isFinal ? closed(state, event.error) : backOff(state.failures, event.error, times, random);
    case 'timer': {
      const error = new UnreachableError(`The gateway did not answer within ${times.connectMs} ms.`);
      return backOff(state.failures, error, times, random);
    }
    default:
      return stay(state);
  }
}

function whileOpen(
  state: Extract<ConnectionState, { phase: 'open' }>,
  event: ConnectionEvent,
  times: ConnectionTimes,
  random: number,
): Step {
  switch (event.kind) {
    case 'heard':
      return state.hasHeard && !state.isProbed ? stay(state) : stay({ ...state, hasHeard: true, isProbed: false });
    case 'goingAway':
      return handOver(state.failures, times, random);
    case 'wake':
      return probe(state, times);
    case 'timer':
      if (state.isProbed) {
        const error = new UnreachableError(
          `The connection was lost: the gateway has said nothing for ${times.heartbeatMs + times.pongMs} ms.`,
        );
        return backOff(state.failures, error, times, random);
      }
      if (!state.hasHeard) return probe(state, times);
      return {
        state: { ...state, hasHeard: false, failures: 0 },
        effects: [{ kind: 'setTimer', ms: times.heartbeatMs }],
      };
    case 'lost':
      return event.isFinal ? closed(state, event.error) : backOff(state.failures, event.error, times, random);
    default:
      return stay(state);
  }
}

function stay(state: ConnectionState): Step {
  return { state, effects: [] };
}

function dial(failures: number, times: ConnectionTimes): Step {
  return {
    state: { phase: 'connecting', failures },
    effects: [{ kind: 'setTimer', ms: times.connectMs }, { kind: 'dial' }],
  };
}

/** A page that slept has heard nothing, and need not have lost its connection: it asks before it gives that up. */
function probe(state: Extract<ConnectionState, { phase: 'open' }>, times: ConnectionTimes): Step {
  return {
    state: { ...state, isProbed: true },
    effects: [{ kind: 'ping' }, { kind: 'setTimer', ms: times.pongMs }],
  };
}

/** Its successor may listen already. */
function handOver(failures: number, times: ConnectionTimes, random: number): Step {
  const error = new UnreachableError('The gateway goes away, and takes no new calls.');
  return {
    state: { phase: 'waiting', failures: failures + 1, error },
    effects: [{ kind: 'handOver' }, { kind: 'setTimer', ms: pauseOf(failures, times, random) }],
  };
}

/** In ms. */
function pauseOf(failures: number, times: ConnectionTimes, random: number): number {
  const pauseMs = Math.min(times.firstBackOffMs * 2 ** Math.min(failures, 30), times.longestBackOffMs);
  return pauseMs / 2 + (pauseMs / 2) * random;
}

function backOff(failures: number, error: MillraceError, times: ConnectionTimes, random: number): Step {
  return {
    state: { phase: 'waiting', failures: failures + 1, error },
    effects: [
      { kind: 'drop' },
      { kind: 'failSent', error },
      { kind: 'setTimer', ms: pauseOf(failures, times, random) },
    ],
  };
}

function closed(state: ConnectionState, error: MillraceError): Step {
  if (state.phase === 'closed') return stay(state);
  return {
    state: { phase: 'closed', error },
    effects: [{ kind: 'stopTimer' }, { kind: 'drop' }, { kind: 'failAll', error }],
  };
}
