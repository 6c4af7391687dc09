import { type Command, InvalidArgumentError, Option } from 'commander';
import { messageOf } from '../foreign.js';
import { limits } from '../limits.js';
import { readNamedText } from '../named-file.js';
import type { v1 } from '../protocol/index.js';
import {
  describeSystem,
  formatSystem,
  machineProvider,
  type PartitionStrategy,
  parseCpuList,
  parseStrategy,
  readTopology,
  STRATEGIES,
  type System,
  syntheticTopology,
} from '../resources/index.js';
import { EXIT_CODES } from './exit-codes.js';
import { ANSWER_MS, askRun, chosenRun } from './ask-run.js';
import { print, printLine, say } from './output.js';

interface TopologyFlags {
  readonly xml?: string;
  readonly synthetic?: string;
  readonly strategy: PartitionStrategy;
  readonly cpuset?: string;
  readonly json?: boolean;
  /** A run; true: the only one. */
  readonly cluster?: string | true;
}

/** `millrace topology`: prints the hardware, its division into partitions, and the pinning of their threads. */
export function addTopology(command: Command): void {
  command
    .command('topology')
    .summary('Print the hardware, its division into partitions, and the pinning of their threads.')
    .description(
      'Prints the packages, memory, caches, cores and devices of this machine or of another one, the partitions that a strategy makes ' +
        'of them, and where the thread of each partition would be pinned. Nothing is started.',
    )
    .addOption(
      new Option('--xml <file>', 'the topology of another machine, written by lstopo --of xml').conflicts('synthetic'),
    )
    .option('--synthetic <text>', 'a synthetic hwloc topology: "pack:2 numa:2 l3:1 core:4 pu:2"')
    .addOption(
      new Option('--strategy <strategy>', `how the machine is divided: ${STRATEGIES.join(', ')}`)
        .default('machine')
        .argParser(accept(parseStrategy)),
    )
    .option(
      '--cpuset <list>',
      'only these processors: 0-3,8 (default: all that this process may use)',
      accept(checkCpuList),
    )
    .addOption(
      new Option(
        '--cluster [run]',
        'the machines of the nodes of a run of millrace up, as they were when it came up (default: the only run)',
      ).conflicts(['xml', 'synthetic', 'strategy', 'cpuset']),
    )
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `\n${EXIT_CODES}\n\nExamples:\n  millrace topology --strategy l3\n  millrace topology --synthetic "pack:2 numa:2 core:8 pu:2" --strategy numa`,
    )
    .action(async ({ json = false, cluster, ...flags }: TopologyFlags) => {
      if (cluster !== undefined) return showCluster(cluster === true ? undefined : cluster, json);
      const system = systemOf(flags);
      for (const notice of system.notices) say(notice);
      print(json ? JSON.stringify(system) : formatSystem(system));
    });
}

async function showCluster(name: string | undefined, isJson: boolean): Promise<void> {
  const { run, file } = chosenRun(name);
  const nodes: v1.TopologyOfNode[] = [];
  await askRun(file, async (actor) => {
    for await (const node of actor.topology({}, { timeoutMs: ANSWER_MS })) nodes.push(node);
  });
  if (isJson) {
    const found = nodes.map(({ node, host, topology }) => ({ node, host, topology: parsed(topology?.json) }));
    print(JSON.stringify({ run, nodes: found }));
    return;
  }
  for (const { node, host, topology } of nodes) {
    printLine(`${node}${host === '' ? '' : ` on ${host}`}`);
    print((topology?.text ?? 'has not come up').replaceAll(/^(?=.)/gm, '  '));
  }
}

/** Null for a node that has not come up. */
function parsed(json = 'null'): unknown {
  return JSON.parse(json);
}

/** The affinity of this process applies to this machine only. */
function systemOf({ xml, synthetic, strategy, cpuset }: TopologyFlags): System {
  const options = { strategy, ...(cpuset === undefined ? {} : { cpuset }) };
  if (xml !== undefined) {
    const text = readNamedText({ what: 'The topology', path: xml, maxBytes: limits.topologyXmlBytes });
    return describeSystem(options, { topology: readTopology(text, xml) });
  }
  if (synthetic !== undefined) return describeSystem(options, { topology: syntheticTopology(synthetic) });
  return machineProvider(options);
}

function checkCpuList(text: string): string {
  parseCpuList(text);
  return text;
}

/** Turns the error of a parser into one line that names the option. */
function accept<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError(messageOf(error));
    }
  };
}
