import { print, say } from './output.js';
import type { RunFlags } from './run-options.js';
import type { RunSummary } from './summary.js';

/** Tells how a run ended: to people on standard error, and with --json to programs on standard output. */
export function report(
  summary: RunSummary,
  { json = false, quiet = false }: RunFlags,
  replay: string | undefined,
): void {
  const { result, error, crashes, seconds, undeclared = [] } = summary;
  const hasFailed = result === 'failed';
  for (const { text, hasHappened } of crashes) {
    if (!hasHappened) say(`--crash ${text} did not happen: the run ended after ${seconds} s.`);
  }
  for (const { type, place } of undeclared) {
    say(
      `${place} began real work (${type}) that it did not declare: give it to context.outside, or a replay may differ.`,
    );
  }
  if (hasFailed) {
    say(error?.message ?? 'the run failed.');
    if (replay !== undefined) say(`replay it with: ${replay}`);
  } else if (!quiet) {
    say(`${result === 'ok' ? 'done' : 'stopped'} in ${details(summary)}.`);
  }
  const printed = hasFailed && replay !== undefined ? { ...summary, replay } : summary;
  if (json) print(JSON.stringify(printed));
}

function details({ seconds, time, restarts, seed }: RunSummary): string {
  return [
    `${seconds} s${time === 'virtual' ? ' of virtual time' : ''}`,
    ...(restarts === 0 ? [] : [`started anew ${restarts === 1 ? 'once' : `${restarts} times`}`]),
    ...(seed === undefined ? [] : [`seed ${seed}`]),
  ].join(', ');
}
