/** `millrace inspect`: everything that a run consists of. */
import type { Command } from 'commander';
import { stepInfo } from '../actors/services/index.js';
import { ConfigError } from '../index.js';
import { v1 } from '../protocol/index.js';
import { ANSWER_MS, askRun, chosenRun, withDecimals } from './ask-run.js';
import { print, printLine } from './output.js';
import { PROCESS_STATES } from './runs.js';

const { CHANNEL, POOL, GROUP } = v1.ResourceKind;

export function addInspect(command: Command): void {
  command
    .command('inspect')
    .summary('Print what a run of millrace up consists of: nodes, processes, named channels, pools and groups.')
    .argument('[run]', 'its name, as millrace ps prints it (default: the only one)')
    .option('--name <name>', 'only what has this name or id')
    .option('--json', 'print one JSON object')
    .action(async (name: string | undefined, { json = false, name: wanted }: { json?: boolean; name?: string }) => {
      const { run, file } = chosenRun(name);
      const { description, resources } = await askRun(file, async (actor) => {
        const options = { timeoutMs: ANSWER_MS };
        const [described, inspected] = await Promise.all([actor.describe({}, options), actor.inspect({}, options)]);
        return { description: described, resources: inspected.resources };
      });
      const found = sectionsOf(description, resources).map(({ title, rows }) => ({
        title,
        rows: rows.filter(({ name: each, id }) => wanted === undefined || wanted === each || wanted === String(id)),
      }));
      if (wanted !== undefined && found.every(({ rows }) => rows.length === 0)) {
        throw new ConfigError(
          `The run ${run} has nothing with the name or id "${wanted}": millrace inspect ${run} lists all.`,
        );
      }
      const { module, pid, address, keyFile } = file;
      const step = stepInfo(description.step).name;
      const launcher = { module, pid, address, keyFile, controlPlane: description.controlPlane, step };
      if (json) {
        const sections = Object.fromEntries(
          found.map(({ title, rows }) => [title, rows.map(({ json: each }) => each)]),
        );
        print(JSON.stringify({ run, ...launcher, ...sections }, withDecimals));
        return;
      }
      printLine(`${run}: ${module}, ${step}`);
      printLine(`  launcher: process ${pid} at ${address}`);
      printLine(`  control plane: ${asWord(description.controlPlane)}, with the key in ${keyFile}`);
      for (const { title, rows } of found) {
        if (rows.length > 0) printLine(title);
        for (const { name: each, text } of rows) printLine(`  ${each}  ${text}`);
      }
    });
}

/** One word of a shell. */
function asWord(text: string): string {
  return text.includes(' ') ? `'${text}'` : text;
}

interface Row {
  readonly name: string;
  readonly id: bigint;
  readonly text: string;
  readonly json: object;
}

interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}

function sectionsOf({ nodes, processes }: v1.RunDescription, resources: readonly v1.ResourceDescriptor[]): Section[] {
  const of = (kind: v1.ResourceKind): readonly v1.ResourceDescriptor[] =>
    resources.filter((each) => each.kind === kind);
  const nameOf = (node = 0): string => nodes.find(({ index }) => index === node)?.name ?? `node-${node}`;
  return [
    {
      title: 'nodes',
      rows: nodes.map(({ index, name, address, pid, cpus }) => ({
        name,
        id: BigInt(index),
        text: `process ${pid}, processors ${cpus}, at ${address}`,
        json: { index, name, address, pid, cpus },
      })),
    },
    { title: 'processes', rows: processes.map((each) => processRow(each, nameOf(each.node))) },
    {
      title: 'channels',
      rows: of(CHANNEL).map(({ id, name }) => ({ id, name, text: `c_uid ${id}`, json: { id, name } })),
    },
    {
      title: 'pools',
      rows: of(POOL).map(({ id, name, node }) => ({
        id,
        name,
        text: `m_uid ${id}, of ${nameOf(node)}`,
        json: { id, name, node },
      })),
    },
    {
      title: 'groups',
      rows: of(GROUP).map(({ id, name, members }) => ({
        id,
        name,
        text: `processes ${members.join(', ')}`,
        json: { id, name, members },
      })),
    },
  ];
}

function processRow({ id, name, node, pid, state, exit }: v1.ResourceDescriptor, nodeName: string): Row {
  const stateName = PROCESS_STATES[state] ?? 'unknown';
  const how = exit === undefined ? '' : `: ${exit.failure || exit.signal || `exit code ${exit.code}`}`;
  return {
    id,
    name,
    text: `p_uid ${id}, process ${pid} of ${nodeName}, ${stateName}${how}`,
    json: { id, name, node, pid, state: stateName, ...(exit && { exit }) },
  };
}
