/** What the exit code of `millrace` says; the help lists them. */
export const ExitCode = {
  ok: 0,
  /** The pipeline, or what it runs on, failed. */
  failed: 1,
  /** A command, option, module or argument is wrong; nothing was started. */
  usage: 2,
  /** A fault of Millrace itself, or an error that the program left uncaught. */
  internal: 3,
  /** SIGHUP, SIGINT (Ctrl-C), a closed pipe (SIGPIPE) and SIGTERM, as shells count them: 128 and the number of the signal. */
  hungUp: 129,
  interrupted: 130,
  outputClosed: 141,
  terminated: 143,
} as const;

const SIGNAL_CODES = `  129  stopped by SIGHUP
  130  stopped by SIGINT (Ctrl-C)
  141  standard output was closed by its reader
  143  stopped by SIGTERM`;

export const EXIT_CODES = `Exit codes:
  0    the run ended well
  1    the pipeline failed; the message names segment, partition and cause
  2    a command, option, module or argument is wrong; nothing was started
  3    a fault of Millrace itself, or an error that the program left uncaught
${SIGNAL_CODES}`;

export const SIM_EXIT_CODES = `Exit codes:
  0    every seed passed
  1    a seed failed; what it violates and the command that replays it are printed
  2    an option or module is wrong; nothing was started
  3    a fault of the command itself
${SIGNAL_CODES}`;
