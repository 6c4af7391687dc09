import { AskAbortedError, UnreachableError } from '../../errors.js';
import type { AnyMethod } from '../../protocol/index.js';
import { checkCallOptions, isInherited, type SendOptions, TELL_OPTIONS } from './call.js';
import type { AcceptedOptions } from '../../options/index.js';
import { checkRequest } from './message-values.js';
import { checkReadyTimeout, READY_OPTIONS, type ReadyOptions } from './ready-wait.js';
import type { ReferenceCall, WhenReadyOptions } from './reference.js';
import { type LaterCall, routeKey } from './route.js';
import type { UntypedRef } from './untyped-ref.js';

/** Accepted by `whenReady`. */
export const WHEN_READY_OPTIONS: AcceptedOptions = { ...READY_OPTIONS, ...TELL_OPTIONS };

/**
 * Sends a tell at once where there is room and nobody waits for it, so that calls that are not awaited fill no mailbox past its mark; else
 * when `ready()` has given this caller its turn. `call` is the tell of the reference.
 */
export async function tellWhenReady(
  ref: UntypedRef,
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
    if (call(ref, message, sendOptions(kept.options)) === false) await assertSent(ref, method, kept);
    return;
  }
  // A wrong message is refused now, and the caller may change the object while it waits.
  checkRequest(method, message);
  const filled = method.request.create(message);
  // The actor may end between its room and this turn: then `ready` says so, or waits for another link.
  do await route.ready(readyOptions(kept.options), kept.byMs);
  while (route.room === 'closed');
  if (call(ref, filled, sendOptions(kept.options)) === false) await assertSent(ref, method, kept);
}

/**
 * The tell has returned false: throws when it is a dead letter, because its actor or the link has just ended. Otherwise it was accepted past
 * the mark.
 */
async function assertSent(ref: UntypedRef, { fullName }: AnyMethod, { options, byMs }: LaterCall): Promise<void> {
  const route = ref[routeKey];
  if (route.room !== 'closed') return;
  // Rejects with the error of an actor that has ended.
  await route.ready(readyOptions(options), byMs);
  throw new UnreachableError(`${fullName} was not delivered: the link to ${ref.path.toString()} ended as it was sent`);
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
