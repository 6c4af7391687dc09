/** `millrace members`: who is in a network without a control plane, as one of its members knows it. */
import type { Command } from 'commander';
import { openVisitor, surveyNetwork } from '../actors/runtime/survey/index.js';
import { messageOf } from '../foreign.js';
import { ConfigError, type MemberOfNetwork, silentLogger, UnreachableError } from '../index.js';
import { limits } from '../limits.js';
import { readOptionsFile, resolveOptions } from '../options/index.js';
import { ExitCode, MEMBERS_EXIT_CODES } from './exit-codes.js';
import { print, say } from './output.js';
import { wholeNumber } from './run-options.js';
import { checkFlag } from './shared-options.js';

interface MembersFlags {
  readonly seed: readonly string[];
  readonly timeout: number;
  readonly json?: boolean;
}

export function addMembers(command: Command): void {
  command
    .command('members')
    .summary('Print the processes of a network without a control plane.')
    .description(
      'Asks a member of a network who is there: the first of the seeds that answers. Nothing is changed, and no member is told of the command. It needs the key or ' +
        'certificates of a process that joins.',
    )
    .option('--seed <address>', 'a member; may be repeated (default: the option seeds)', collected, [])
    .option('--timeout <ms>', 'time in which a member has to answer', wholeNumber(1, 600_000), limits.askTimeoutMs)
    .option('--json', 'print one JSON object for each member')
    .addHelpText('after', `\n${MEMBERS_EXIT_CODES}\n\nExamples:\n  millrace members --seed tcp://127.0.0.1:7301`)
    .action(async (flags: MembersFlags) => {
      const members = await ask(flags);
      print(flags.json === true ? members.map((each) => JSON.stringify(each)).join('\n') : table(members));
      process.exitCode = ExitCode.ok;
    });
}

function collected(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

async function ask({ seed, timeout }: MembersFlags): Promise<MemberOfNetwork[]> {
  for (const address of seed) checkFlag('--seed', 'seeds', address);
  const code = seed.length === 0 ? {} : { seeds: seed };
  const { values, notice } = resolveOptions({
    code,
    env: process.env,
    file: readOptionsFile({ folder: process.cwd() }),
  });
  if (notice !== undefined) say(notice);
  if (values.seeds.length === 0) {
    throw new ConfigError('No network is named: give the address of a member (--seed, or the option seeds).');
  }
  const failures: string[] = [];
  for (const address of values.seeds) {
    const visitor = await openVisitor({ ...values, controlPlane: address }, silentLogger);
    try {
      return await surveyNetwork(visitor, address, timeout);
    } catch (error) {
      failures.push(`${address}: ${messageOf(error)}`);
    } finally {
      await visitor.close();
    }
  }
  throw new UnreachableError(`No seed has answered as a member of a network. ${failures.join(' ')}`);
}

function table(members: readonly MemberOfNetwork[]): string {
  const rows = members.map(({ status, node, process: name, address, names }) => [
    status,
    node,
    name,
    address,
    names.join(', '),
  ]);
  const titles = ['STATUS', 'NODE', 'PROCESS', 'ADDRESS', 'NAMES'];
  const widths = titles.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [titles, ...rows.toSorted(([, one = ''], [, other = '']) => one.localeCompare(other))].map(line).join('\n');
}
