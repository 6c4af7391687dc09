/** The `millrace` command: which subcommands there are, and how their errors become one line and an exit code. */
import { Command, CommanderError } from 'commander';
import { ConfigError, MillraceError } from '../index.js';
import { nearestName } from '../options/index.js';
import { addConfig } from './config.js';
import { firstSteps } from './example.js';
import { EXIT_CODES, ExitCode } from './exit-codes.js';
import { addGen } from './gen.js';
import { Interrupts } from './interrupts.js';
import { say } from './output.js';
import { ownVersion } from './own-version.js';
import { splitArguments } from './program-args.js';
import { addReplay } from './replay.js';
import { addRun } from './run.js';
import { addSim } from './sim.js';
import { addTopology } from './topology.js';

/** Runs one command, and sets the exit code of this process. */
export async function main(argv: readonly string[]): Promise<void> {
  const { own, program } = splitArguments(argv);
  const isVerbose = own.includes('--verbose');
  const interrupts = new Interrupts();
  const endAtFault = (error: unknown): never => process.exit(complain(error, isVerbose));
  process.on('uncaughtException', endAtFault);
  process.on('unhandledRejection', endAtFault);
  try {
    await commandLine(program, interrupts).parseAsync([...own], { from: 'user' });
  } catch (error) {
    process.exitCode = complain(error, isVerbose);
  }
}

function commandLine(program: readonly string[], interrupts: Interrupts): Command {
  const command = new Command('millrace')
    .description('Typed actors and pipelines: in one process, on a network that a seed replays, and further away.')
    .version(ownVersion(), '--version', 'Print the version.')
    .helpOption('-h, --help', 'Print help; millrace COMMAND --help says more.')
    .helpCommand('help [command]', 'Print help of a command.')
    .usage('COMMAND [options]')
    .option('--verbose', 'Print the stack of an error, too.')
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, 'millrace: ').replace(/\n\((.*)\)/, '. $1')),
    })
    .showHelpAfterError(false)
    .addHelpText('after', () => `\n${EXIT_CODES}\n\nFirst steps:\n${firstSteps()}\n  millrace run --help`);
  addRun(command, program, interrupts);
  addSim(command, interrupts);
  addReplay(command);
  addGen(command);
  addConfig(command);
  addTopology(command);
  for (const each of command.commands) each.copyInheritedSettings(command);
  command.argument('[command]').action((name?: string) => {
    if (name === undefined) command.help();
    else
      command.error(
        unknownCommand(
          name,
          command.commands.map((each) => each.name()),
        ),
      );
  });
  return command;
}

function unknownCommand(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  return `error: unknown command '${name}'. ${nearest === undefined ? `There are ${known.join(', ')}.` : `Did you mean ${nearest}?`}`;
}

/** Prints what went wrong, and returns the exit code for it. */
function complain(error: unknown, isVerbose: boolean): number {
  // Help and version are no errors; for the others commander has printed its line.
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  const message = error instanceof Error ? error.message : String(error);
  const what = error instanceof MillraceError ? message : `uncaught error: ${message} (--verbose prints where)`;
  say(what);
  if (isVerbose && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  if (error instanceof ConfigError) return ExitCode.usage;
  return error instanceof MillraceError ? ExitCode.failed : ExitCode.internal;
}
