/** `millrace call` and `tell`: a message, given as JSON, to an actor that has a name in a running cluster. */
import type { Command } from 'commander';
import { ClusterWatch } from '../introspection/index.js';
import { addAttachOptions, type AttachFlags, withCluster } from './attach.js';
import { print } from './output.js';
import { wholeNumber } from './run-options.js';

interface CallFlags extends AttachFlags {
  readonly run?: string;
  readonly timeout: number;
}

const TIMEOUT_MS = 5_000;

export function addCalls(command: Command): void {
  addCall(command, 'call', 'Ask an actor that has a name in a running cluster, and print its reply as JSON.', false);
  addCall(
    command,
    'tell',
    'Send a message to an actor that has a name in a running cluster, and wait for no reply.',
    true,
  );
}

function addCall(command: Command, word: string, summary: string, isTell: boolean): void {
  addAttachOptions(command.command(word).summary(summary))
    .argument('<name>', 'the name that the actor has registered')
    .argument('<method>', 'the rpc, as on references: quote')
    .argument('[json]', 'the request, an object with its fields (default: {})')
    .option('--run <name>', 'a run of millrace up (default: the only one)')
    .option('--timeout <ms>', 'time in which the actor has to answer', wholeNumber(1, 3_600_000), TIMEOUT_MS)
    .addHelpText(
      'after',
      `\n64-bit integers are decimal strings that end in n, as in {"id":"12n"}; bytes are {"base64":"..."}.\n\nExamples:\n  millrace ${word} till sell '{"seats":2}'`,
    )
    .action(async (name: string, method: string, json: string | undefined, { run, timeout, ...flags }: CallFlags) => {
      await withCluster(run, flags, async (visitor) => {
        const reply = await new ClusterWatch(visitor).call(name, method, json ?? '{}', { isTell, timeoutMs: timeout });
        if (reply !== '') print(reply);
      });
    });
}
