import { AskAbortedError } from '../../errors.js';
import type { AnyMethod, AnyService, TellMethod } from '../../protocol/index.js';
import { checkCallOptions, isInherited, type SendOptions, TELL_OPTIONS } from './call.js';
import type { AcceptedOptions } from '../../options/index.js';
import { checkRequest } from './message-values.js';
import { checkReadyTimeout, READY_OPTIONS, type ReadyOptions } from './ready-wait.js';
import type { CallArguments, Reference, ReferenceCall } from './reference.js';
import { routeKey } from './route.js';

/** Options of a tell that waits for room: those of a tell, and those of `ready()`. */
export interface WhenReadyOptions extends SendOptions, ReadyOptions {}

/** The tells of a reference that wait for room first: `ref.whenReady`. */
export type WhenReady<S extends AnyService> = {
  readonly [K in keyof S['methods'] as S['methods'][K] extends TellMethod<infer _Request, infer _Init>
    ? K
    : never]: S['methods'][K] extends TellMethod<infer _Request, infer Init>
    ? (...given: CallArguments<Init, WhenReadyOptions>) => Promise<void>
    : never;
};

/** Accepted by `whenReady`. */
export const WHEN_READY_OPTIONS: AcceptedOptions = { ...READY_OPTIONS, ...TELL_OPTIONS };

/**
 * Sends a tell at once where there is room and nobody waits for it, so that calls that are not awaited fill no mailbox past its mark; else
 * when `ready()` has given this caller its turn. `call` is the tell of the reference.
 */
export async function tellWhenReady(
  ref: Reference,
  method: AnyMethod,
  call: ReferenceCall,
  message: unknown,
  options: WhenReadyOptions | undefined,
): Promise<void> {
  checkCallOptions('a tell that waits for room', options, WHEN_READY_OPTIONS);
  checkReadyTimeout(options?.timeoutMs);
  const { signal } = options ?? {};
  if (signal?.aborted === true) {
    throw new AskAbortedError(`${method.fullName} was aborted by its caller, and not sent`, { cause: signal.reason });
  }
  const route = ref[routeKey];
  const kept = route.inherit(method, options);
  if (route.room === 'free') {
    call(ref, message, sendOptions(kept));
    return;
  }
  // A wrong message is refused now, and the caller may change the object while it waits.
  checkRequest(method, message);
  const filled = method.request.create(message);
  // The actor may end between its room and this turn: then `ready` says so, or waits for another link.
  do await route.ready(readyOptions(kept));
  while (route.room === 'closed');
  call(ref, filled, sendOptions(kept));
}

function readyOptions(options: WhenReadyOptions | undefined): ReadyOptions | undefined {
  if (options === undefined || isInherited(options)) return options;
  const { timeoutMs, signal } = options;
  return { timeoutMs, signal };
}

function sendOptions(options: WhenReadyOptions | undefined): SendOptions | undefined {
  if (options === undefined || isInherited(options)) return options;
  const { meta, trace } = options;
  return meta === undefined && trace === undefined ? undefined : { meta, trace };
}
