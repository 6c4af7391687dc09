/** Looks every few milliseconds until it is so; leaves the processor to what is waited for. */
export async function until(isTrue: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 20_000;
  while (!isTrue()) {
    if (performance.now() > deadlineMs) throw new Error(`this never became true: ${isTrue.toString()}`);
    await new Promise((resolve) => void setTimeout(resolve, 3));
  }
}
