/** `millrace explain`: why an actor, a link, a component or a request waits, or goes the way that it goes. */
import type { Command } from 'commander';
import { ClusterWatch, type Explained } from '../introspection/index.js';
import { addAttachOptions, type AttachFlags, withCluster } from './attach.js';
import { print } from './output.js';
import { wholeNumber } from './run-options.js';

interface ExplainFlags extends AttachFlags {
  readonly json?: boolean;
  readonly sample: number;
}

const SAMPLE_MS = 300;

export function addExplain(command: Command): void {
  addAttachOptions(
    command
      .command('explain')
      .summary('Say why an actor, a link, a component or a request of a running cluster waits, or where it goes.')
      .description(
        'Asks all partitions what they know: mailboxes, handlers that wait, asks without a reply, the credit and the carrier of links, containers and the limits that hold ' +
          'them, and which way requests took. Marks are kept from the first question until nobody has asked for 10 s: ask again to learn more.',
      )
      .usage('[options] [run] <what>')
      .argument(
        '<what>',
        'name or path of an actor, address of a peer, name of a component, or full name of an rpc; before it may stand the name of a run',
      )
      .argument('[more]', 'what is explained, where the first word is a run'),
  )
    .option('--sample <ms>', 'time between two looks; 0: one look', wholeNumber(0, 60_000), SAMPLE_MS)
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExamples:\n  millrace explain till\n  millrace explain shop-1 shop.Stock.Take --json')
    .action(async (first: string, second: string | undefined, { sample, json = false, ...flags }: ExplainFlags) => {
      const [run, what] = second === undefined ? [undefined, first] : [first, second];
      await withCluster(run, flags, async (visitor) => {
        const explained = await new ClusterWatch(visitor).explain(what, { sampleMs: sample });
        print(json ? JSON.stringify(explained) : explainedText(explained));
      });
    });
}

/** The likeliest reason, and a line for each fact. */
export function explainedText({ because, facts }: Explained): string {
  const width = Math.max(...facts.map(({ kind }) => kind.length));
  return [
    because,
    '',
    ...facts.map(({ partition, kind, text }) => `  ${kind.padEnd(width)}  ${text} (partition ${partition})`),
  ].join('\n');
}
