/** Exit codes of `millrace`. The help lists them. */
export const ExitCode = {
  ok: 0,
  /** The pipeline or its runtime failed, or a file beside it could not be written to its end. */
  failed: 1,
  /** A command, option, module or argument is wrong; nothing was started. */
  usage: 2,
  /** An internal error of Millrace, or an error that the program did not catch. */
  internal: 3,
  /** A part of a run of `millrace up` has ended by itself: a node, global services, or a worker. */
  partLost: 4,
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
  0    success
  1    the pipeline failed, and the message names segment, partition and cause; or a file of --record or --trace is incomplete
  2    a command, option, module or argument is wrong; nothing was started
  3    an internal error of Millrace, or an error that the program did not catch
${SIGNAL_CODES}`;

export const UP_EXIT_CODES = `Exit codes:
  0    the pipeline has ended; of a program: what the program ends with
  1    the pipeline failed, the run did not come up, or the file of --trace is incomplete
  2    a command, option, module or argument is wrong; nothing was started
  3    an internal error of the command, or an error that the program did not catch
  4    a node or global services ended by itself, and the run was torn down; or a worker did, and the program ended with 0
${SIGNAL_CODES}`;

export const DEV_EXIT_CODES = `Exit codes:
  0    with --once: everything was served, and the program has ended
  1    with --once: a module, a component or the program has failed, or there is no program; or files cannot be watched
  2    an option or the folder is wrong; nothing was started
  3    an internal error of the command, or an error that the program did not catch
${SIGNAL_CODES}`;

export const DEPLOY_EXIT_CODES = `Exit codes:
  that of the command; after a signal 128 and its number
  2    there is no command or folder, or the lock is held; nothing was changed
  3    an internal error of millrace`;

export const REHEARSE_EXIT_CODES = `Exit codes:
  0    nothing breaks
  1    something breaks, and is printed
  2    an option, a folder or the workload is wrong; nothing was rehearsed
  3    an internal error of the command, or an error that a program did not catch
${SIGNAL_CODES}`;

export const SCALE_EXIT_CODES = `Exit codes:
  0    all pools have the limits
  1    a pool has not answered, and the message names it; or the cluster was not reached
  2    an option is wrong, there is no such run, or the cluster serves no components; nothing was changed
  3    an internal error of the command
${SIGNAL_CODES}`;

export const JOIN_EXIT_CODES = `Exit codes:
  0    the run of millrace up was torn down in order, and this worker with it
  1    the cluster was not reached, or refused this process
  2    an option is wrong; nothing was started
  3    an internal error of the command
  4    the cluster has ended, or is cut off for longer than the patience; or the worker has ended by itself
${SIGNAL_CODES}`;

export const REPLAY_EXIT_CODES = `Exit codes:
  0    no difference, or the recorded actors were listed
  1    a difference was found; it is printed
  2    an option, recording, module or actor is wrong; nothing was replayed
  3    an internal error of the command, or an error that the module did not catch
${SIGNAL_CODES}`;

export const DOCTOR_EXIT_CODES = `Exit codes:
  0    no problem was found
  1    a problem was found, and is printed; or the control plane did not answer
  2    an option is wrong; nothing was asked
  3    an internal error of the command
${SIGNAL_CODES}`;

export const MEMBERS_EXIT_CODES = `Exit codes:
  0    the members were printed
  1    no seed has answered as a member of a network
  2    an option is wrong; nothing was asked
  3    an internal error of the command
${SIGNAL_CODES}`;

export const SIM_EXIT_CODES = `Exit codes:
  0    every seed passed
  1    a seed failed: its violations and the command that replays it are printed; or the file of --trace is incomplete
  2    an option or module is wrong; nothing was started
  3    an internal error of the command
${SIGNAL_CODES}`;
