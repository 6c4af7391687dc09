import { ConfigError } from '../../../errors.js';
import { messageOf } from '../../../foreign.js';
import { v1 } from '../../../protocol/index.js';
import type { Scheduler, Timer } from '../../../scheduler/index.js';

/** A process of the operating system, or what stands for one in a simulation. */
export interface StartedProcess {
  /** As the operating system counts. */
  readonly pid: number;
  /** Resolves when it has ended and all its output was handed on. Never rejects. */
  readonly ended: Promise<Omit<v1.ProcessExitInit, 'pUid'>>;
  /** SIGKILL ends it with all that it has started. */
  signal(name: string): void;
}

/** Starts processes on this node. Throws where one cannot be started. */
export type StartProcess = (process: v1.ProcessToStart) => StartedProcess;

interface Entry {
  readonly name: string;
  readonly started: StartedProcess;
  exit: v1.ProcessExit | undefined;
}

export interface ProcessesOptions {
  readonly scheduler: Scheduler;
  readonly start: StartProcess;
  /** Called once for each process that has ended. */
  readonly exited: (exit: v1.ProcessExit, name: string) => void;
}

/** The processes that a shepherd has started, by their p_uids. One that has ended is remembered: a p_uid is never used again. */
export class Processes {
  readonly #options: ProcessesOptions;
  readonly #entries = new Map<bigint, Entry>();
  #isClosed = false;

  constructor(options: ProcessesOptions) {
    this.#options = options;
  }

  /** Starts a process once: a request that is repeated finds the same. */
  start(process: v1.ProcessToStart): v1.ProcessStartedInit {
    const { pUid, name } = process;
    const known = this.#entries.get(pUid);
    if (known !== undefined) return { pUid, pid: known.started.pid };
    if (this.#isClosed) throw new ConfigError(`Process ${pUid} cannot be started: the node is being torn down.`);
    const started = this.#options.start(process);
    const entry: Entry = { name, started, exit: undefined };
    this.#entries.set(pUid, entry);
    void started.ended.then((exit) => {
      entry.exit = v1.ProcessExit.create({ ...exit, pUid });
      this.#options.exited(entry.exit, name);
    });
    return { pUid, pid: started.pid };
  }

  /** Throws ConfigError for an unknown p_uid or signal; does nothing for a process that has ended. */
  signal(pUid: bigint, signal: string): void {
    const { started, exit } = this.#entry(pUid);
    if (exit !== undefined) return;
    try {
      started.signal(signal);
    } catch (cause) {
      throw new ConfigError(`Process ${pUid} cannot be sent ${signal}: ${messageOf(cause)}.`, { cause });
    }
  }

  /** SIGTERM, and SIGKILL when the patience is over. Resolves when the process has ended. */
  async end(pUid: bigint, patienceMs: number): Promise<v1.ProcessExit> {
    const entry = this.#entry(pUid);
    if (entry.exit !== undefined) return entry.exit;
    const { scheduler } = this.#options;
    const kill = (): void => entry.started.signal('SIGKILL');
    let timer: Timer | undefined;
    if (patienceMs > 0) {
      entry.started.signal('SIGTERM');
      timer = scheduler.setTimer(patienceMs, kill);
    } else kill();
    const exit = await entry.started.ended;
    if (timer !== undefined) scheduler.clearTimer(timer);
    return v1.ProcessExit.create({ ...exit, pUid });
  }

  /** Ends all that are alive, the last one first, and starts none any more. */
  async close(patienceMs: number): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#entries.keys()].toReversed().map((pUid) => this.end(pUid, patienceMs)));
  }

  #entry(pUid: bigint): Entry {
    const entry = this.#entries.get(pUid);
    if (entry !== undefined) return entry;
    throw new ConfigError(`No process of this node has the p_uid ${pUid}.`);
  }
}
