/** The `millrace` command: its subcommands, and how an error becomes one line and an exit code. */
import { Command, CommanderError } from 'commander';
import { messageOf } from '../foreign.js';
import { ConfigError, MillraceError } from '../index.js';
import { nearestName } from '../options/index.js';
import { addCalls } from './call.js';
import { addConfig } from './config.js';
import { firstSteps } from './example.js';
import { EXIT_CODES, ExitCode } from './exit-codes.js';
import { addDeploy } from './deploy.js';
import { addDev } from './dev.js';
import { addDoctor } from './doctor.js';
import { addExplain } from './explain.js';
import { addGen } from './gen.js';
import { addInspect } from './inspect.js';
import type { Interrupts } from './interrupts.js';
import { addJoin } from './join.js';
import { addLogs } from './logs.js';
import { addMembers } from './members.js';
import { say, sayStack } from './output.js';
import { ownVersion } from './packages.js';
import { splitArguments } from './program-args.js';
import { addRehearse } from './rehearse.js';
import { addRepl } from './repl.js';
import { addReplay } from './replay.js';
import { addRun } from './run.js';
import { addRuns } from './runs.js';
import type { Invocation } from './run-module.js';
import { addScale } from './scale.js';
import { addDashboard } from './show-page.js';
import { addSim } from './sim.js';
import { addTop } from './top.js';
import { addTopology } from './topology.js';
import { addUp } from './up.js';

/** Runs one command, and sets the exit code of this process. */
export async function runCommand(argv: readonly string[], interrupts: Interrupts): Promise<void> {
  const { own, program } = splitArguments(argv);
  const isVerbose = isVerboseIn(argv);
  try {
    assertFolder();
    await commandLine({ program, interrupts, isVerbose }).parseAsync([...own], { from: 'user' });
  } catch (error) {
    process.exitCode = complain(error, isVerbose);
  }
}

/** Ends this process at an error that nobody handles, as an error of the command does. */
export function endAtFaults(argv: readonly string[]): void {
  const endAtFault = (error: unknown): never => process.exit(complain(error, isVerboseIn(argv)));
  process.on('uncaughtException', endAtFault);
  process.on('unhandledRejection', endAtFault);
}

function isVerboseIn(argv: readonly string[]): boolean {
  return splitArguments(argv).own.includes('--verbose');
}

function commandLine(invocation: Invocation): Command {
  const command = new Command('millrace')
    .description(
      'Runs typed actors and pipelines: in one process, on a simulated network, and on several threads, processes and hosts.',
    )
    .version(ownVersion(), '--version', 'Print the version.')
    .helpOption('-h, --help', 'Print help. millrace COMMAND --help describes one command.')
    .helpCommand(false)
    .usage('COMMAND [options]')
    .option('--verbose', 'Also print the stack of an error.')
    .exitOverride()
    .configureOutput({
      // commander puts what may have been meant on a line of its own.
      outputError: (text) =>
        say(
          text
            .trimEnd()
            .replace(/^error: /, '')
            .replace(/\n\((.*)\)$/, '. $1'),
        ),
    })
    .showHelpAfterError(false)
    .addHelpText('after', () => `\n${EXIT_CODES}\n\nFirst steps:\n${firstSteps()}\n  millrace run --help`);
  command.addHelpText('beforeAll', ({ command: asked }) => {
    const [name = ''] = command.args;
    if (asked === command && name !== '' && !name.startsWith('-') && name !== 'help') refuseCommand(command, name);
    return '';
  });
  addRun(command, invocation);
  addUp(command, invocation);
  addDev(command, invocation);
  addDeploy(command, invocation);
  addJoin(command, invocation.interrupts);
  addRuns(command);
  addLogs(command, invocation.interrupts);
  addInspect(command);
  addMembers(command);
  addScale(command);
  addTop(command, invocation.interrupts);
  addDashboard(command, invocation.interrupts);
  addCalls(command);
  addExplain(command);
  addRepl(command);
  addRehearse(command, invocation);
  addSim(command, invocation.interrupts);
  addReplay(command);
  addGen(command);
  addConfig(command);
  addTopology(command);
  addDoctor(command);
  addHelp(command);
  for (const each of command.commands) each.copyInheritedSettings(command);
  // An unknown command may have options of its own.
  command
    .allowUnknownOption()
    .argument('[command...]')
    .action(([name]: readonly string[]) => {
      if (name === undefined) command.help();
      else if (name.startsWith('-')) command.error(`error: unknown option '${name}'`);
      else refuseCommand(command, name);
    });
  return command;
}

function addHelp(command: Command): void {
  command
    .command('help')
    .summary('Print help of a command.')
    .argument('[command]')
    .action((name?: string) => {
      const asked = name === undefined ? command : command.commands.find((each) => each.name() === name);
      if (asked === undefined) refuseCommand(command, name ?? '');
      else asked.help();
    });
}

function refuseCommand(command: Command, name: string): never {
  const known = command.commands.map((each) => each.name());
  const nearest = nearestName(name, known);
  const advice = nearest === undefined ? `There are ${known.join(', ')}.` : `Did you mean ${nearest}?`;
  return command.error(`error: unknown command '${name}'. ${advice}`);
}

/** The folder of a shell may have been removed since. */
function assertFolder(): void {
  try {
    process.cwd();
  } catch (cause) {
    throw new ConfigError('The working folder is not there any more: change to another.', { cause });
  }
}

/** Prints an error, and returns its exit code. */
function complain(error: unknown, isVerbose: boolean): number {
  // commander throws for help and version, too. For its errors it has printed the line already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  const message = messageOf(error);
  const what =
    error instanceof MillraceError
      ? message
      : `uncaught error: ${message}${isVerbose ? '' : ' (--verbose prints where)'}`;
  say(what);
  if (isVerbose) sayStack(error);
  if (error instanceof ConfigError) return ExitCode.usage;
  return error instanceof MillraceError ? ExitCode.failed : ExitCode.internal;
}
