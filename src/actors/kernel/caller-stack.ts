/**
 * Rejects with `error`, whose stack then names who waits: the `await` of the caller, and those that wait for the caller. The
 * error of an ask is made in a turn or timer of Millrace, whose own stack says nothing to the caller. V8 finds the functions that
 * wait for a promise when an async function that is to settle it takes a stack; so this costs nothing until an ask fails. Resolve
 * the caller's promise with what this returns. A caller that uses `then` or `catch` and no `await` is not found.
 */
export async function rejectionFor(error: Error): Promise<never> {
  // The caller's promise follows this one two microtasks after it was resolved with it.
  await Promise.resolve();
  await Promise.resolve();
  Error.captureStackTrace(error, rejectionFor);
  throw error;
}
