import type { PipelineRun } from '../index.js';
import { ExitCode } from './exit-codes.js';
import type { Screen } from './screen.js';

/** The first Ctrl-C stops the run in order, the second ends this process at once. */
export function stopAtInterrupt(
  run: PipelineRun,
  screen: Screen,
): { readonly isInterrupted: () => boolean; readonly clear: () => void } {
  let isInterrupted = false;
  const interrupt = (): void => {
    if (isInterrupted) process.exit(ExitCode.interrupted);
    isInterrupted = true;
    screen.say('millrace: stopping; Ctrl-C again ends it at once');
    run.stop().catch((error: unknown) => screen.say(`millrace: it could not be stopped in order: ${String(error)}`));
  };
  process.on('SIGINT', interrupt);
  return { isInterrupted: () => isInterrupted, clear: () => void process.off('SIGINT', interrupt) };
}
