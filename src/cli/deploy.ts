/** `millrace deploy`: changes a folder of components while nothing is loaded from it. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { type Command } from 'commander';
import { messageOf } from '../foreign.js';
import { ConfigError } from '../index.js';
import { type FolderLock, lockFolder } from './deploy-lock.js';
import { DEPLOY_EXIT_CODES, ExitCode } from './exit-codes.js';
import type { Interrupts } from './interrupts.js';
import { say } from './output.js';
import type { Invocation } from './run-module.js';

export function addDeploy(command: Command, { program, interrupts }: Invocation): void {
  command
    .command('deploy')
    .summary('Run a command that changes a folder of components, under its lock.')
    .description(
      'Holds the lock of the folder while the command runs, so that no node of millrace up loads what is half copied. The nodes load the new version when the command has ended.',
    )
    .usage('DIR -- COMMAND [arguments]')
    .argument('<dir>', 'a folder of components')
    .addHelpText('after', () => `\n${DEPLOY_EXIT_CODES}\n\nExamples:\n  millrace deploy shop -- cp -r ../next/. shop`)
    .action(async (dir: string) => {
      const [name, ...words] = program;
      if (name === undefined) throw new ConfigError('There is no command: millrace deploy DIR -- COMMAND.');
      const lock = lockFolder(dir);
      // The command gets the signals of a terminal, too, and ends by them.
      interrupts.begin(say);
      try {
        process.exitCode = await run(name, words, interrupts, lock);
      } finally {
        lock.release();
        interrupts.end();
      }
    });
}

/** Resolves to the exit code of the command; after a signal as shells count. The lock holds until the command has ended. */
function run(name: string, words: readonly string[], interrupts: Interrupts, lock: FolderLock): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(name, words, { stdio: 'inherit' });
    shareWith(child.pid, lock);
    interrupts.onFirst(() => child.kill('SIGTERM'));
    child.on('error', (error) => {
      say(`The command cannot be started: ${error.message}.`);
      resolve(ExitCode.usage);
    });
    child.on('exit', (code, signal) => {
      const bySignal = interrupts.first?.exitCode ?? 128 + (signal === null ? 0 : constants.signals[signal]);
      resolve(code ?? bySignal);
    });
  });
}

/** The command goes on also where the lock cannot name it. */
function shareWith(pid: number | undefined, lock: FolderLock): void {
  if (pid === undefined) return;
  try {
    lock.share(pid);
  } catch (error) {
    say(messageOf(error));
  }
}
