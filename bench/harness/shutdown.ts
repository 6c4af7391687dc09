type Callback = () => Promise<unknown>;

const callbacks: Callback[] = [];
const DEADLINE_MS = 2_000;

/** Registers a callback that runs before this process exits. */
export function onShutdown(callback: Callback): void {
  callbacks.push(callback);
}

/** Runs the callbacks, then exits this process. Exits after a deadline if a callback does not finish. */
export function shutdown(): void {
  const late = setTimeout(() => process.exit(), DEADLINE_MS);
  void Promise.allSettled(callbacks.splice(0).map((callback) => callback())).then(() => {
    clearTimeout(late);
    process.exit();
  });
}
