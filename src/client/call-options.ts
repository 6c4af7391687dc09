import { ConfigError } from '../errors.js';
import { limits } from '../limits.js';

/** Options of an ask, and of a lookup. */
export interface ClientAskOptions {
  /** Time for the reply in ms, the wait for a connection included. Default 5 000. */
  readonly timeoutMs?: number | undefined;
  /** Rejects the ask with AskAbortedError when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of a stream. */
export interface ClientStreamOptions extends ClientAskOptions {
  /** The longest wait for one element in ms; `Infinity` waits as long as the connection is there. Default 5 000. */
  readonly timeoutMs?: number | undefined;
  /** Elements that the actor may be ahead of the reader. Default 16, up to 1 024. */
  readonly windowItems?: number | undefined;
}

/** The longest time of a timer. */
const LONGEST_MS = 2 ** 31 - 1;
const DEFAULT_WINDOW = 16;

const NAMES: readonly string[] = ['timeoutMs', 'signal'];
const STREAM_NAMES: readonly string[] = [...NAMES, 'windowItems'];

/** Throws ConfigError for an option that is wrong or unknown. */
export function checkAskOptions(of: string, options: ClientAskOptions = {}): { readonly timeoutMs: number } {
  checkNames(of, options, NAMES);
  const { timeoutMs = limits.askTimeoutMs } = options;
  if (!(typeof timeoutMs === 'number' && timeoutMs > 0 && timeoutMs <= LONGEST_MS)) {
    throw new ConfigError(
      `timeoutMs of ${of} must be a number of ms from 1 to ${LONGEST_MS}, not ${String(timeoutMs)}.`,
    );
  }
  return { timeoutMs };
}

/** Throws ConfigError for an option that is wrong or unknown. */
export function checkStreamOptions(
  of: string,
  options: ClientStreamOptions = {},
): { readonly timeoutMs: number; readonly windowItems: number } {
  checkNames(of, options, STREAM_NAMES);
  const { timeoutMs = limits.askTimeoutMs, windowItems = DEFAULT_WINDOW } = options;
  if (timeoutMs !== Number.POSITIVE_INFINITY) checkAskOptions(of, { timeoutMs });
  if (!(Number.isInteger(windowItems) && windowItems > 0 && windowItems <= limits.gatewayWindowItems)) {
    throw new ConfigError(
      `windowItems of ${of} must be an integer from 1 to ${limits.gatewayWindowItems}, not ${String(windowItems)}.`,
    );
  }
  return { timeoutMs, windowItems };
}

/** Throws ConfigError for what is no object, and for a name that is not among `known`. */
export function checkNames(of: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new ConfigError(`The options of ${of} must be an object.`);
  }
  const wrong = Object.keys(options).find((name) => !known.includes(name));
  if (wrong !== undefined) throw new ConfigError(`${of} has no option ${wrong}. It has ${known.join(', ')}.`);
}
