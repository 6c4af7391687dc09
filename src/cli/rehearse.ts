/** `millrace rehearse`: what a deployment would break. */
import { pathToFileURL } from 'node:url';
import { type Command } from 'commander';
import type { AnyContained } from '../actors/component/index.js';
import { messageOf } from '../foreign.js';
import { ConfigError, type NetworkProgram } from '../index.js';
import { componentFolder } from './component-folder.js';
import { loadExports, type ModuleExports, ownComponents } from './component-modules.js';
import { ExitCode, REHEARSE_EXIT_CODES } from './exit-codes.js';
import { printLine } from './output.js';
import { moduleUrl } from './packages.js';
import { quoted } from './program-args.js';
import { rehearse, type RehearsalOptions } from './rehearsal.js';
import { wholeNumber } from './run-options.js';
import type { Invocation } from './run-module.js';

interface RehearseFlags {
  readonly seeds: number;
  readonly seed?: number;
  readonly span: number;
}

export function addRehearse(command: Command, { program }: Invocation): void {
  command
    .command('rehearse')
    .summary('Say what would break if components were replaced by another version.')
    .description(
      'Runs a workload on a virtual cluster whose nodes go from the old components to the new ones, one after the other. Prints requests that fail with an error that they do not have ' +
        'with the old components alone, requests that are lost or handled twice, and versions that do not start or refuse the state.',
    )
    .usage('OLD NEW [options] [-- WORKLOAD [arguments]]')
    .argument('<old>', 'the folder of the components that run now')
    .argument('<new>', 'the folder of those that are to take their place')
    .option('--seeds <n>', 'rehearsals, each with other delays and times', wholeNumber(1, 100_000), 10)
    .option('--seed <n>', 'only the rehearsal of this seed', wholeNumber(0, 2 ** 32 - 1))
    .option('--span <s>', 'virtual seconds after which the workload is told to end', wholeNumber(1, 86_400), 10)
    .addHelpText(
      'after',
      `\nWORKLOAD is a module whose default export is a function, as main.js of a folder. Default: that of OLD.\n\n${REHEARSE_EXIT_CODES}`,
    )
    .action(async (old: string, next: string, flags: RehearseFlags) => {
      process.exitCode = await rehearseFolders(old, next, flags, program);
      process.exit();
    });
}

async function rehearseFolders(
  oldFolder: string,
  nextFolder: string,
  { seeds, seed, span }: RehearseFlags,
  [path, ...args]: readonly string[],
): Promise<number> {
  const [old, next] = [await loaded(oldFolder), await loaded(nextFolder)];
  const workload = path === undefined ? old.program : await workloadOf(path);
  if (workload === undefined) {
    throw new ConfigError(`${quoted(oldFolder)} has no main.js with a program: name a workload after --.`);
  }
  const all = seed === undefined ? Array.from({ length: seeds }, (_, index) => index + 1) : [seed];
  let [requests, broken] = [0, 0];
  for (const each of all) {
    const given = { seed: each, old: old.components, workload, args, spanMs: 1_000 * span, deployMs: 0 };
    const run = await compared(given, next.components);
    requests += run.requests;
    if (run.findings.length > 0) broken++;
    for (const finding of run.findings) printLine(`seed ${each}: ${finding}`);
  }
  const what = broken === 0 ? 'nothing breaks' : `something breaks in ${broken}`;
  printLine(`${all.length} rehearsals, ${requests} requests: ${what}`);
  return broken === 0 ? ExitCode.ok : ExitCode.failed;
}

/** What happens with the new components, and does not with the old ones alone. */
async function compared(
  given: Omit<RehearsalOptions, 'next'>,
  next: readonly AnyContained[],
): Promise<{ readonly requests: number; readonly findings: readonly string[] }> {
  const before = await rehearse({ ...given, next: undefined });
  const deployMs = Math.min(given.spanMs, before.tookMs);
  const { ledger, problems } = await rehearse({ ...given, deployMs, next });
  const usual = new Set(before.ledger.failures.map(({ method, error }) => `${method} ${error}`));
  const failures = ledger.failures
    .filter(({ method, error }) => !usual.has(`${method} ${error}`))
    .map(
      ({ method, count, message }) =>
        `${method} fails ${count === 1 ? 'once' : `${count} times`}, and not before: ${message}`,
    );
  const wrong = ledger.wrong.map(({ method, handled }) =>
    handled === 0
      ? `a request of ${method} was answered, and nobody has handled it`
      : `a request of ${method} was handled ${handled} times`,
  );
  const isOld = new Set(before.problems);
  return {
    requests: ledger.requests,
    findings: [...problems.filter((each) => !isOld.has(each)), ...failures, ...wrong],
  };
}

async function loaded(
  given: string,
): Promise<{ readonly components: readonly AnyContained[]; readonly program: NetworkProgram | undefined }> {
  const place = componentFolder(given);
  const listed = place.list();
  const all = new Map<string, ModuleExports>();
  for (const file of listed) all.set(file, await exportsOf(file));
  const components = [...all].flatMap(([file, exported]) => ownComponents(file, exported, listed));
  if (components.length === 0) throw new ConfigError(`No module of ${quoted(given)} exports a component.`);
  return { components, program: [...all].find(([file]) => place.isMain(file))?.[1].program };
}

async function exportsOf(file: string): Promise<ModuleExports> {
  try {
    return await loadExports(file, pathToFileURL(file).href);
  } catch (cause) {
    throw new ConfigError(`${file} cannot be loaded: ${messageOf(cause)}`, {
      cause,
    });
  }
}

async function workloadOf(path: string): Promise<NetworkProgram> {
  const { program } = await loadExports(path, moduleUrl(path));
  if (program === undefined) throw new ConfigError(`${quoted(path)} has no function as its default export.`);
  return program;
}
