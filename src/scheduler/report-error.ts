/** What a scheduler does with an error that a turn or a timer threw, unless told otherwise: an uncaught exception. */
export function throwUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
