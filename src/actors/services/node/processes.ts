import { ConfigError, UnreachableError } from '../../../errors.js';
import { messageOf } from '../../../foreign.js';
import { limits } from '../../../limits.js';
import { v1 } from '../../../protocol/index.js';
import type { Scheduler } from '../../../scheduler/index.js';

/** A process of the operating system, or what stands for one in a simulation. */
export interface StartedProcess {
  /** As the operating system counts. */
  readonly pid: number;
  /** Resolves when it has ended and all its output was handed on. Never rejects. */
  readonly ended: Promise<Omit<v1.ProcessExitInit, 'pUid'>>;
  /** SIGKILL ends it with all that it has started. Throws where the signal cannot be sent. */
  signal(name: string): void;
}

/** Starts processes on this node. Throws where one cannot be started. */
export type StartProcess = (process: v1.ProcessToStart) => StartedProcess;

/** What is kept of a process. */
type Known = Omit<v1.KnownProcess, 'exit'>;

interface Alive {
  readonly known: Known;
  readonly process: StartedProcess;
}

interface Ended {
  readonly known: Known;
  readonly exit: v1.ProcessExit;
}

export interface ProcessesOptions {
  readonly scheduler: Scheduler;
  readonly start: StartProcess;
  /** Called once for each process that has ended. */
  readonly exited: (exit: v1.ProcessExit) => void;
}

/** Time in ms in which a process ends after SIGKILL. One that waits for a disk, or that runs as another user, may not. */
const KILLED_MS = 2_000;

/**
 * The processes that a shepherd has started, by their p_uids. Of those that have ended the last `limits.endedProcesses` are remembered, so
 * that a request that is repeated finds its process. Global services give p_uids in ascending order: none up to the largest one that was
 * forgotten is started again.
 */
export class Processes {
  readonly #options: ProcessesOptions;
  readonly #alive = new Map<bigint, Alive>();
  readonly #ended = new Map<bigint, Ended>();
  #forgotten = -1n;
  /** Of the last global services that have asked for the inventory. */
  #epoch = 0n;
  #isClosed = false;

  constructor(options: ProcessesOptions) {
    this.#options = options;
  }

  /** Processes of which something is kept. */
  get size(): number {
    return this.#alive.size + this.#ended.size;
  }

  /** For global services that follow others: orders of those before them, which may arrive late, start nothing any more. */
  inventory(epoch: bigint): readonly v1.KnownProcess[] {
    if (epoch > this.#epoch) this.#epoch = epoch;
    return [
      ...[...this.#ended.values()].map(({ known, exit }) => v1.KnownProcess.create({ ...known, exit })),
      ...[...this.#alive.values()].map(({ known }) => v1.KnownProcess.create(known)),
    ];
  }

  /** Starts a process once: a request that is repeated finds the same. */
  start(process: v1.ProcessToStart): v1.ProcessStartedInit {
    const { pUid, name, requester, tag, epoch } = process;
    const { known } = this.#alive.get(pUid) ?? this.#ended.get(pUid) ?? {};
    if (known !== undefined) return { pUid, pid: known.pid };
    if (epoch < this.#epoch) {
      throw new ConfigError(
        `Process ${pUid} cannot be started: other global services have followed those that order it.`,
      );
    }
    if (this.#isClosed) throw new ConfigError(`Process ${pUid} cannot be started: the node is being torn down.`);
    if (pUid <= this.#forgotten) {
      throw new ConfigError(`Process ${pUid} has ended long ago, or was never started: use a new p_uid.`);
    }
    const started = this.#options.start(process);
    const { pid } = started;
    const own = { pUid, name, pid, requester, tag };
    this.#alive.set(pUid, { known: own, process: started });
    void started.ended.then((exit) => this.#exited(own, v1.ProcessExit.create({ ...exit, pUid })));
    return { pUid, pid };
  }

  /** Throws ConfigError for an unknown p_uid or signal; does nothing for a process that has ended. */
  signal(pUid: bigint, signal: string): void {
    if (this.#ended.has(pUid)) return;
    try {
      this.#living(pUid).signal(signal);
    } catch (cause) {
      throw new ConfigError(`Process ${pUid} cannot be sent ${signal}: ${messageOf(cause)}`, { cause });
    }
  }

  /**
   * SIGTERM, and SIGKILL when the patience is over. Resolves when the process has ended. Rejects with ConfigError for an unknown p_uid, and
   * with UnreachableError for a process that SIGKILL does not end.
   */
  async end(pUid: bigint, patienceMs: number): Promise<v1.ProcessExit> {
    const known = this.#ended.get(pUid);
    if (known !== undefined) return known.exit;
    const process = this.#living(pUid);
    if (patienceMs > 0) {
      trySignal(process, 'SIGTERM');
      await this.#endsWithin(process, patienceMs);
    }
    const refused = this.#ended.has(pUid) ? undefined : trySignal(process, 'SIGKILL');
    const exit = await this.#endsWithin(process, KILLED_MS);
    if (exit !== undefined) return v1.ProcessExit.create({ ...exit, pUid });
    const why = refused ?? 'it waits in the system, or its last output is not taken';
    throw new UnreachableError(
      `Process ${pUid} (${process.pid} of the system) has not ended within ${KILLED_MS} ms of SIGKILL: ${why}.`,
    );
  }

  /** Ends all that are alive, the last one first, and starts none any more. Rejects like `end`, when the others have ended. */
  async close(patienceMs: number): Promise<void> {
    this.#isClosed = true;
    const ends = await Promise.allSettled(
      [...this.#alive.keys()].toReversed().map((pUid) => this.end(pUid, patienceMs)),
    );
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  #exited(known: Known, exit: v1.ProcessExit): void {
    this.#alive.delete(exit.pUid);
    this.#ended.set(exit.pUid, { known, exit });
    if (this.#ended.size > limits.endedProcesses) this.#forgetOldest();
    this.#options.exited(exit);
  }

  #forgetOldest(): void {
    for (const pUid of this.#ended.keys()) {
      this.#ended.delete(pUid);
      if (pUid > this.#forgotten) this.#forgotten = pUid;
      return;
    }
  }

  /** How the process ended; undefined where it is alive after the time. */
  async #endsWithin({ ended }: StartedProcess, ms: number): Promise<Awaited<StartedProcess['ended']> | undefined> {
    const { scheduler } = this.#options;
    return new Promise((resolve) => {
      const timer = scheduler.setTimer(ms, () => resolve(undefined));
      void ended.then((exit) => {
        scheduler.clearTimer(timer);
        resolve(exit);
      });
    });
  }

  #living(pUid: bigint): StartedProcess {
    const alive = this.#alive.get(pUid);
    if (alive !== undefined) return alive.process;
    throw new ConfigError(`No process of this node has the p_uid ${pUid}.`);
  }
}

/** Why the signal was not sent; undefined where it was. */
function trySignal(process: StartedProcess, name: string): string | undefined {
  try {
    process.signal(name);
    return undefined;
  } catch (error) {
    return messageOf(error).replace(/\.$/, '');
  }
}
