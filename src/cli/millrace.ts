#!/usr/bin/env node
/**
 * What the shell runs. Node opens all files of a program at once, and reports the lack of descriptors with a trace of its own; so this file
 * imports nothing, and loads the rest where that can be caught.
 */
/** ExitCode.failed, of a file that may be one of those that cannot be loaded. */
const FAILED = 1;

try {
  await import('./main.js');
} catch (error) {
  const who = whoLacksFiles(error);
  if (who === undefined) throw error;
  process.stderr.write(
    `millrace: cannot be loaded: ${who} has too many open files. Raise the limit: ulimit -n 1024, or LimitNOFILE= of systemd.\n`,
  );
  process.exitCode = FAILED;
}

/** As in `installation`. Newer Nodes have these faults only in the message of an error, where the file is a package.json. */
function whoLacksFiles(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = 'code' in error ? error.code : undefined;
  if (code === 'EMFILE' || error.message.includes('too many open files')) return 'this process';
  return code === 'ENFILE' || error.message.includes('file table overflow') ? 'this machine' : undefined;
}
