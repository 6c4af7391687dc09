/** `millrace repl`: the commands that look at a running cluster, one after the other, with completion and history. */
import type { Command } from 'commander';
import { limits } from '../limits.js';
import { addAttachOptions, type AttachFlags, RUN_ARGUMENT, withCluster } from './attach.js';

export function addRepl(command: Command): void {
  addAttachOptions(
    command
      .command('repl')
      .summary('Look at a running cluster, and call its actors, command by command.')
      .description(
        'Reads commands: ps, top, inspect, explain, call, tell, watch, doctor, help. Tab completes names, methods and fields. Ctrl-C ends a command and those typed behind it, Ctrl-D ends all. Lines are kept ' +
          'in repl-history below $XDG_STATE_HOME/millrace. Of a pipe it reads a command a line, and ends with exit code 1 where one has failed.',
      )
      .argument('[run]', RUN_ARGUMENT),
  ).action(async (run: string | undefined, flags: AttachFlags) => {
    process.exitCode = await withCluster(run, flags, async (visitor, locate) => {
      await visitor.list(limits.askTimeoutMs);
      // Its parts of Node take longer to load than other commands take.
      const { Repl } = await import('./repl-session.js');
      return new Repl(visitor, locate).run();
    });
  });
}
