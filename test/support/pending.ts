import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Context } from 'mocha';

/** Leaves the test pending, or, from `before`, all tests of the suite. The report gives the reason behind each title. */
export function pendingBecause(context: Context, reason: string): never {
  const runnable = context.runnable();
  if ('type' in runnable && runnable.type === 'hook') {
    runnable.parent?.eachTest((test) => {
      test.title += `: ${reason}`;
    });
  } else {
    runnable.title += `: ${reason}`;
  }
  return context.skip();
}

/** Leaves what needs a command pending where that command is not installed. `debian` is the package that brings it. */
export function needsCommand(context: Context, command: string, debian = command): void {
  if (!isInstalled(command)) {
    pendingBecause(context, `it needs ${command}, not found. Debian: apt-get install -y ${debian}`);
  }
}

function isInstalled(command: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
