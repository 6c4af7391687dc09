/** Resolves as soon as `condition` holds, looking once each turn of the event loop; rejects after 5 s. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 5_000;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`waited 5 s for ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
