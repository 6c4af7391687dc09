/** `millrace top` and `watch`: what a running cluster does, live. */
import { type Command, Option } from 'commander';
import { ClusterWatch, type ClusterView, type WatchOptions } from '../introspection/index.js';
import { addAttachOptions, type AttachFlags, RUN_ARGUMENT, withCluster } from './attach.js';
import type { Interrupts } from './interrupts.js';
import { eachLook, printEvents, untilInterrupted } from './looks.js';
import { print, printScreen } from './output.js';
import { wholeNumber } from './run-options.js';
import { topLines } from './top-table.js';

interface TopFlags extends AttachFlags {
  readonly once?: boolean;
  readonly json?: boolean;
  readonly interval: number;
  readonly order: NonNullable<WatchOptions['order']>;
  readonly filter: string;
  readonly runtime?: boolean;
}

/** Actors that are shown at most. */
const ROWS = 40;

export function addTop(command: Command, interrupts: Interrupts): void {
  addAttachOptions(
    command
      .command('top')
      .summary('Show what a running cluster does: partitions, pipelines, and the actors that have most to do.')
      .argument('[run]', RUN_ARGUMENT),
  )
    .option('--once', 'print it once, and end')
    .option('--json', 'print a JSON object each time')
    .option('--interval <s>', 'seconds between two looks', wholeNumber(1, 3_600), 1)
    .addOption(
      new Option('--order <what>', 'which actors come first')
        .choices(['mailbox', 'work', 'handled', 'path'])
        .default('mailbox'),
    )
    .option('--filter <text>', 'only actors whose path or service contains this text', '')
    .option('--runtime', 'actors of the runtime itself, too')
    .action(async (run: string | undefined, flags: TopFlags) => {
      process.exitCode = await top(run, flags, interrupts);
    });
  addAttachOptions(
    command
      .command('watch')
      .summary(
        'Print what happens in a running cluster: failures, dead letters, starts and ends of actors, links and partitions.',
      )
      .argument('[run]', RUN_ARGUMENT),
  )
    .option('--json', 'print a JSON object for each event')
    .action(async (run: string | undefined, flags: AttachFlags & { readonly json?: boolean }) => {
      process.exitCode = await watchEvents(run, flags, interrupts);
    });
}

function top(run: string | undefined, flags: TopFlags, interrupts: Interrupts): Promise<number> {
  const { once = false, json = false, interval, order, filter, runtime = false } = flags;
  const isLive = !once && !json && process.stdout.isTTY;
  const show = (view: ClusterView): void => {
    if (json) return print(JSON.stringify(view));
    const lines = topLines(view, ROWS);
    if (isLive) printScreen(lines);
    else print(lines.join('\n'));
  };
  return withCluster(run, flags, async (visitor) => {
    const watch = new ClusterWatch(visitor, { order, filter, withRuntime: runtime });
    let looks = 0;
    return untilInterrupted(interrupts, (signal) =>
      eachLook(watch, interval * 1_000, signal, (view) => {
        // Rates need two looks.
        if (looks++ > 0) show(view);
        return once && looks > 1;
      }),
    );
  });
}

function watchEvents(
  run: string | undefined,
  flags: AttachFlags & { readonly json?: boolean },
  interrupts: Interrupts,
): Promise<number> {
  return withCluster(run, flags, (visitor) =>
    untilInterrupted(interrupts, (signal) => printEvents(visitor, flags.json === true, signal)),
  );
}
