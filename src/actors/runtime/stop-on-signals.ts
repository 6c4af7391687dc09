import { ConfigError } from '../../errors.js';
import { limits } from '../../limits.js';
import { accepted, type AcceptedOptions, checkOptions } from '../../options/index.js';
import type { Runtime } from './runtime.js';
import type { StopOptions, StopReport } from './stopping.js';

export interface SignalOptions extends Omit<StopOptions, 'signal'> {
  /** Default SIGTERM and SIGINT. */
  readonly signals?: readonly `SIG${Uppercase<string>}`[];
  /** As of `runtime.stop`. Default 10 000. */
  readonly drainTimeoutMs?: number;
}

export interface SignalStop {
  /** Resolves when a signal has arrived and the runtime has stopped. */
  readonly stopped: Promise<StopReport>;
  /** Restores the default effect of the signals. Idempotent. */
  release(): void;
}

const OPTIONS: AcceptedOptions = {
  signals: accepted.object,
  drainTimeoutMs: accepted.milliseconds,
  before: accepted.callback,
};

/** Signals this close to the first belong to the same request: npm forwards a signal that the terminal has sent already. */
const SAME_REQUEST_MS = 1_000;

/**
 * Stops a runtime in order when the process receives a signal. Does not call `process.exit`: the process ends by itself when nothing keeps
 * its event loop alive, with exit code 0. A second signal, at least one second later, ends the drain at once. Throws ConfigError for an
 * empty list of signals.
 *
 *     stopOnSignals(runtime, { drainTimeoutMs: 20_000, before: () => server.close() });
 */
export function stopOnSignals(runtime: Runtime, options: SignalOptions = {}): SignalStop {
  checkOptions('stopOnSignals', options, OPTIONS);
  const { signals = ['SIGTERM', 'SIGINT'], drainTimeoutMs = limits.drainTimeoutMs, before } = options;
  if (signals.length === 0) {
    throw new ConfigError('stopOnSignals needs at least one signal: leave the option signals out, or name one.');
  }
  const cut = new AbortController();
  let report: (stopping: Promise<StopReport>) => void = () => {};
  const stopped = new Promise<StopReport>((resolve) => {
    report = resolve;
  });
  let firstAtMs: number | undefined;
  const release = (): void => {
    for (const signal of signals) {
      process.off(signal, onSignal);
    }
  };
  const onSignal = (): void => {
    const nowMs = runtime.scheduler.now();
    if (firstAtMs === undefined) {
      firstAtMs = nowMs;
      const stopping = runtime.stop({ drainTimeoutMs, signal: cut.signal, ...(before && { before }) });
      report(stopping);
      stopping.then(release, release);
    } else if (nowMs - firstAtMs >= SAME_REQUEST_MS) {
      cut.abort();
    }
  };
  for (const signal of signals) {
    process.on(signal, onSignal);
  }
  return { stopped, release };
}
