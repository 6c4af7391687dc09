import { StoppedError } from '../../errors.js';
import type { Deadlines } from './deadlines.js';
import type { Delivery } from './delivery.js';

/** The signal of what nobody waits for. */
export const NEVER: AbortSignal = new AbortController().signal;

const signals = new WeakMap<Delivery, AbortSignal>();

/** The signal of one ask: the same at each call, and created at the first, so that a message whose handler has no use for it costs nothing. */
export function signalOf(ask: Delivery, deadlines: Deadlines): AbortSignal {
  const known = signals.get(ask);
  if (known !== undefined) return known;
  const controller = new AbortController();
  signals.set(ask, controller.signal);
  ask.whenEnded?.((cause) => controller.abort(cause ?? new StoppedError('the ask was answered')), deadlines);
  return controller.signal;
}
