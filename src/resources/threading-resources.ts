import { access } from 'node:fs/promises';
import { ConfigError, ResourceError } from '../errors.js';
import { messageOf } from '../foreign.js';
import { importModule } from '../import-module.js';
import type { Logger } from '../logging/index.js';
import type { PartitionPlan } from './partition-plans.js';
import { pinThread, threadNumber } from './pinning.js';
import type { CpuSet } from './topology/index.js';

export interface ThreadingOptions {
  readonly plan: PartitionPlan;
  /** URLs of modules with an `initialize`, a `finalize`, or both. */
  readonly initializers: readonly string[];
  readonly log: Logger;
}

/** The thread that a partition runs on. */
export interface ThreadingResources {
  /** The thread belongs to one partition, and so may be pinned. */
  readonly isOwn: boolean;
  /** The operating system's number of the thread; 0 where it is unknown. */
  readonly thread: number;
  /** Processors that it is pinned to, as the kernel reports; empty where it is not pinned. */
  readonly pinned: CpuSet;
  /** Runs the finalizers of the initializers that have run, the last first. */
  close(): Promise<void>;
}

type Hook = (plan: PartitionPlan) => unknown;

/** The thread of the program, which several partitions may share: it is never pinned. */
export function sharedThread(): ThreadingResources {
  return { isOwn: false, thread: threadNumber(), pinned: [], close: async () => {} };
}

/**
 * Prepares the calling thread for its partition: pins it, then runs the initializers one after the other. Logs a failure to pin, and
 * continues. Rejects with ConfigError for a module that is no initializer. Where an initializer throws, runs the finalizers of those
 * before it, and rejects with its error.
 */
export async function ownThread({ plan, initializers, log }: ThreadingOptions): Promise<ThreadingResources> {
  // Threads inherit the affinity of the thread that starts them. Starts Node's shared file-system threads before this one is pinned.
  await access('/');
  const pinned = pin(plan, log);
  const finalizers: Hook[] = [];
  const close = async (): Promise<void> => {
    for (let finalize = finalizers.pop(); finalize !== undefined; finalize = finalizers.pop()) await finalize(plan);
  };
  try {
    for (const url of initializers) {
      const { initialize, finalize } = await hooksOf(url);
      await initialize?.(plan);
      if (finalize !== undefined) finalizers.push(finalize);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { isOwn: true, thread: threadNumber(), pinned, close };
}

function pin({ cpus }: PartitionPlan, log: Logger): CpuSet {
  try {
    return pinThread(cpus);
  } catch (error) {
    if (!(error instanceof ResourceError)) throw error;
    log.warn('the thread of a partition is not pinned as planned', { error: error.message });
    return [];
  }
}

async function hooksOf(url: string): Promise<{ readonly initialize?: Hook; readonly finalize?: Hook }> {
  let module: Readonly<Record<string, unknown>>;
  try {
    module = await importModule(url);
  } catch (cause) {
    const why = messageOf(cause);
    throw new ConfigError(`The initializer ${url} cannot be loaded: ${why}`, { cause });
  }
  const { initialize, finalize } = module;
  if (!isHook(initialize) && !isHook(finalize)) {
    throw new ConfigError(`The initializer ${url} exports neither a function initialize nor a function finalize.`);
  }
  return { ...(isHook(initialize) && { initialize }), ...(isHook(finalize) && { finalize }) };
}

function isHook(value: unknown): value is Hook {
  return typeof value === 'function';
}
