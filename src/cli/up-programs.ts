/** What the nodes of a run do: those of a module, and those of a folder of components. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ConfigError } from '../index.js';
import { componentFolder, isComponentFolder } from './component-folder.js';
import { moduleUrl } from './packages.js';
import { quoted } from './program-args.js';
import { type NodeProgram, PLAIN_WORKER } from './up-application.js';
import type { ComponentNodeOptions } from './node-options.js';
import type { UpFlags } from './up-run.js';

/** Time in ms between two looks at the folder, where nobody says another. */
const RESCAN_MS = 5_000;

export interface UpPrograms {
  /** The file or the folder that has the program. */
  readonly url: string;
  readonly worker: NodeProgram;
  readonly head: NodeProgram;
}

/** `given` is MODULE of the command line. Throws ConfigError where it is none, and for flags that mean nothing to it. */
export function upPrograms(given: string, flags: UpFlags, words: readonly string[]): UpPrograms {
  if (flags.loader !== undefined || isComponentFolder(given)) return componentPrograms(given, flags, words);
  const wrong = (['limit', 'rescan', 'security', 'plugins'] as const).find((name) => flags[name] !== undefined);
  if (wrong !== undefined) {
    throw new ConfigError(
      `--${wrong} is for a folder of components, whose package.json names no module as "millrace".`,
    );
  }
  assertNotEmpty(given);
  const url = moduleUrl(given);
  const counts = Object.entries(flags.instances).map(([segment, count]) => `${segment}=${count}`);
  return {
    url,
    worker: PLAIN_WORKER,
    head: { program: 'dist/cli/up-head.js', arguments: [url, counts.join(), ...words] },
  };
}

function componentPrograms(given: string, flags: UpFlags, words: readonly string[]): UpPrograms {
  if (Object.keys(flags.instances).length > 0) {
    throw new ConfigError(
      '--instances is for segments of a pipeline: components have containers, which --limit bounds.',
    );
  }
  const folder = flags.loader === undefined ? componentFolder(given).folder : resolve(given);
  const placement = flags.placement ?? process.env['MILLRACE_PLACEMENT'] ?? '';
  if (placement === 'thread' && flags.loader === undefined && flags.rescan !== undefined && flags.rescan > 0) {
    throw new ConfigError(
      'Node does not load another version of a module on a thread: leave out --rescan, or --placement thread.',
    );
  }
  const options: ComponentNodeOptions = {
    folder,
    limit: flags.limit,
    partitions: String(flags.partitions ?? process.env['MILLRACE_PARTITIONS'] ?? ''),
    placement,
    rescanMs: flags.rescan === undefined ? (placement === 'thread' ? 0 : RESCAN_MS) : 1_000 * flags.rescan,
    isQuiet: flags.quiet === true,
    security: fileOf(flags.security, '--security'),
    loader: fileOf(flags.loader, '--loader'),
    plugins: fileOf(flags.plugins, '--plugins'),
  };
  const program = (role: string, args: readonly string[]): NodeProgram => ({
    program: 'dist/cli/up-components.js',
    arguments: [role, JSON.stringify(options), ...args],
  });
  return { url: pathToFileURL(folder).href, worker: program('worker', []), head: program('head', words) };
}

/** The path of a module that a flag names. */
function fileOf(given: string | undefined, flag: string): string | undefined {
  if (given === undefined) return undefined;
  if (!existsSync(resolve(given)))
    throw new ConfigError(`There is no ${quoted(given)}: ${flag} needs a JavaScript file.`);
  return fileURLToPath(moduleUrl(given));
}

/** A folder that has neither modules nor a package.json is most likely one of components that were not built. */
function assertNotEmpty(given: string): void {
  const path = resolve(given);
  if (given === '' || statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  if (existsSync(join(path, 'package.json'))) return;
  const isEmpty = readdirSync(path).length === 0;
  throw new ConfigError(
    `${quoted(given)} ${isEmpty ? 'is empty' : 'has no module'}: put *.js or *.mjs files into it that export components, or a package.json that names a module as "millrace".`,
  );
}
