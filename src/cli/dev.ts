import { type Command } from 'commander';
import { ConfigError, componentNetwork, Executor, govern } from '../index.js';
import { readOptionsFile, resolveOptions } from '../options/index.js';
import { ModuleVersions } from './module-versions.js';
import { componentFolder } from './component-folder.js';
import { ComponentProgram } from './component-program.js';
import { DevSession } from './dev-session.js';
import { FileWatch } from './dev-watch.js';
import { DEV_EXIT_CODES, ExitCode } from './exit-codes.js';
import { messageOf } from '../foreign.js';
import { sayStack } from './output.js';
import { quoted } from './program-args.js';
import { type Invocation, loggerOf, stopInTime } from './run-module.js';
import { wholeNumber } from './run-options.js';
import { Screen } from './screen.js';

interface DevFlags {
  readonly once?: boolean;
  readonly limit?: number;
}

/** `millrace dev`: serves the components of a folder in this process, and replaces them when their files change. */
export function addDev(command: Command, invocation: Invocation): void {
  command
    .command('dev')
    .summary('Serve the components of a folder, and replace them when their files change.')
    .description(
      'Serves all components that the modules of a folder export, in this process. Where the folder has a main.js, its default export is a function ' +
        'that calls them. When a file changes, the modules that import it are loaded anew, and the containers of their components are replaced with their state.',
    )
    .usage('DIR [options] [-- arguments of the program]')
    .argument(
      '<dir>',
      'a folder, one whose package.json names a module or a folder as "millrace", or a JavaScript file',
    )
    .option('--once', 'end when the program has ended, and follow no changes')
    .option(
      '--limit <n>',
      'containers of all components together (default: twice the processors)',
      wholeNumber(1, 10_000),
    )
    .addHelpText('after', () => `\n${DEV_EXIT_CODES}`)
    .action(async (dir: string, flags: DevFlags) => {
      process.exitCode = await dev(dir, flags, invocation);
      process.exit();
    });
}

async function dev(dir: string, { once = false, limit }: DevFlags, invocation: Invocation): Promise<number> {
  const { program: args, interrupts, isVerbose } = invocation;
  const place = componentFolder(dir);
  if (place.list().length === 0) throw new ConfigError(`There is no module in ${quoted(dir)}: *.js or *.mjs.`);
  const options = resolveOptions({ env: process.env, file: readOptionsFile({ folder: process.cwd() }) });
  const screen = new Screen({ isStdoutTaken: false });
  const say = (text: string): void => screen.say(text);
  const shown = isVerbose ? sayStack : () => {};
  const executor = new Executor({ log: loggerOf(options, screen, isVerbose) });
  interrupts.begin(say);
  try {
    const runtime = await executor.start({ system: { partitions: 1 } });
    const network = componentNetwork(runtime);
    govern(network, limit === undefined ? {} : { limit });
    const program = new ComponentProgram({ network, args, say, sayStack: shown });
    const session = new DevSession({ network, place, modules: new ModuleVersions(), program, say, sayStack: shown });
    const work = once ? runOnce(session, program) : follow(session, place.folder, say);
    const exitCode = await Promise.race([work, interrupts.happened()]);
    await stopInTime({ stop: () => program.stop() });
    return exitCode ?? interrupts.first?.exitCode ?? ExitCode.interrupted;
  } finally {
    await stopInTime(executor);
    screen.close();
    interrupts.end();
  }
}

async function runOnce(session: DevSession, program: ComponentProgram): Promise<number> {
  const isGood = await session.update(new Set());
  const hasEnded = await program.ended;
  return isGood && hasEnded ? ExitCode.ok : ExitCode.failed;
}

/** Never resolves; rejects when files cannot be watched. */
async function follow(session: DevSession, folder: string, say: (text: string) => void): Promise<never> {
  const watch = new FileWatch();
  let sinceMs = Date.now();
  await session.update(new Set());
  watch.watch(folder, session.files, sinceMs);
  say(`${session.components.join(', ') || 'no component'} served; changes are followed`);
  for (;;) {
    await watch.next();
    sinceMs = Date.now();
    try {
      await session.update(watch.changes());
    } catch (error) {
      // The folder itself may be gone for a moment.
      say(`The change could not be followed: ${messageOf(error)}`);
    }
    watch.watch(folder, session.files, sinceMs);
  }
}
