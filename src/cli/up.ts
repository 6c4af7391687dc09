import { type Command, InvalidArgumentError } from 'commander';
import { optionTable } from '../options/index.js';
import { UP_EXIT_CODES } from './exit-codes.js';
import type { Invocation } from './run-module.js';
import { instancesOf, partitionsOf, placementOf, wholeNumber } from './run-options.js';
import { up, type UpFlags } from './up-run.js';

/** `millrace up`: brings up nodes, runs a program on them, and tears them down. */
export function addUp(command: Command, invocation: Invocation): void {
  command
    .command('up')
    .summary('Run a program on several nodes: processes of this machine, or other hosts.')
    .description(
      'Starts a node for each host, or several on this machine, runs the program of a module on them, and ends everything with it. The module exports ' +
        'a pipeline, whose segments run on all nodes, or components, of which each node gets an actor. Any other module is a program that runs on the first node, and joins the run by Runtime.current(). ' +
        'A folder of components, as of millrace dev, is served by all nodes, with a governor on each; its main.js runs on the first node.',
    )
    .usage('MODULE [options] [-- arguments of the program]')
    .argument(
      '<module>',
      'a JavaScript file, a folder whose package.json names one as "millrace", or a folder of components',
    )
    .option(
      '--nodes <n>',
      'nodes on this machine, or of the hosts that are named (default: 1, or all hosts)',
      wholeNumber(1, 1_000),
    )
    .option('--hosts <list>', 'hosts, separated by commas; ssh starts a node on each')
    .option('--hostfile <file>', 'a file with a host in each line')
    .option('--slurm', 'the hosts of the Slurm job in which the command runs; srun starts a node on each')
    .option('--ssh-option <option>', 'an option of ssh: Port=2222; may be repeated', collected, [])
    .option('--advertise <host>', 'name of this host for the others (default: its host name)')
    .option(
      '--tls',
      'links between hosts are inside TLS, with the files of tlsCertFile, tlsKeyFile and tlsCaFile on each host',
    )
    .option('--partitions <n>', `partitions of each process: ${optionTable.partitions.accepts}`, partitionsOf)
    .option(
      '--placement <where>',
      `where all partitions but the first run: ${optionTable.placement.accepts}`,
      placementOf,
    )
    .option('--instances <segment=n>', 'instances of a segment; may be repeated', instancesOf, {})
    .option(
      '--limit <n>',
      'containers of each node, of all its components together (default: twice its processors)',
      wholeNumber(1, 10_000),
    )
    .option(
      '--rescan <s>',
      'seconds between two looks at the folder of components for changes; 0: none (default: 5)',
      wholeNumber(0, 86_400),
    )
    .option('--security <module>', 'a security provider, which starts first and seals the states of components')
    .option('--loader <module>', 'finds and loads the components, in place of the built-in loader')
    .option('--plugins <module>', 'strategy, life cycle, observer and log of the nodes')
    .option('--json', 'print a JSON object for each line that a process writes, and one at the end')
    .option('--no-prefix', 'print what processes write as it is, without the node and process that wrote it')
    .option('--quiet', 'print nothing about the run itself, but errors')
    .option('--trace <file>', 'write the steps of bring-up and teardown to a file')
    .addHelpText('after', () => `\n${UP_EXIT_CODES}`)
    .action(async (module: string, flags: UpFlags) => {
      process.exitCode = await up(module, flags, invocation);
      process.exit();
    });
}

function collected(text: string, previous: readonly string[]): readonly string[] {
  if (!/^\w+[= ].+/.test(text)) throw new InvalidArgumentError('It is Option=value, as in ssh -o.');
  return [...previous, text];
}
