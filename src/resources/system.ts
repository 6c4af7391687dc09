import { readFileSync } from 'node:fs';
import os from 'node:os';
import { ConfigError } from '../errors.js';

/** What a user may say of the machine. */
export interface SystemOptions {
  /** Partitions of this process. Default 1. */
  readonly partitions?: number;
}

/** One event loop to be, with the processors it may use. */
export interface PartitionPlan {
  readonly index: number;
  readonly cpus: readonly number[];
}

/** The machine as a process sees it: immutable, printable, comparable. */
export interface System {
  /** Processors that this process may use. */
  readonly cpus: readonly number[];
  readonly availableParallelism: number;
  readonly partitions: readonly PartitionPlan[];
}

/** Where a System comes from: this machine, or in tests any other. */
export type SystemProvider = (options: SystemOptions) => System;

const MAX_PARTITIONS = 1_024;
/** Far above what any kernel numbers: a list with more is no list of processors. */
const MAX_CPU = 65_535;

/** This machine: the process's affinity, and what Node says of it. */
export const machineProvider: SystemProvider = (options) =>
  describeSystem(options, affinity(), os.availableParallelism());

/** Divides the processors among the partitions, evenly and in order; where there are more partitions than processors they share. */
export function describeSystem(options: SystemOptions, cpus: readonly number[], availableParallelism: number): System {
  const count = options.partitions ?? 1;
  if (!Number.isInteger(count) || count < 1 || count > MAX_PARTITIONS) {
    throw new ConfigError(`partitions is a whole number from 1 to ${MAX_PARTITIONS}; got ${count}.`);
  }
  const partitions = Array.from({ length: count }, (_, index) => ({ index, cpus: share(cpus, index, count) }));
  return { cpus, availableParallelism, partitions };
}

function share(cpus: readonly number[], index: number, count: number): readonly number[] {
  if (count > cpus.length) {
    const cpu = cpus[index % Math.max(1, cpus.length)];
    return cpu === undefined ? [] : [cpu];
  }
  return cpus.slice(Math.floor((index * cpus.length) / count), Math.floor(((index + 1) * cpus.length) / count));
}

/** The processors this process may run on, from /proc; every processor where there is no /proc. */
function affinity(): readonly number[] {
  try {
    const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (list !== undefined) {
      return parseCpuList(list);
    }
  } catch {
    return all(os.availableParallelism());
  }
  return all(os.availableParallelism());
}

function all(count: number): readonly number[] {
  return Array.from({ length: count }, (_, cpu) => cpu);
}

/** `0-3,8` -> [0, 1, 2, 3, 8]. ConfigError for anything else. */
export function parseCpuList(list: string): readonly number[] {
  return list.split(',').flatMap((range) => {
    const bounds = /^(\d+)(?:-(\d+))?$/.exec(range.trim());
    const first = Number(bounds?.[1]);
    const last = Number(bounds?.[2] ?? bounds?.[1]);
    if (bounds === null || last < first || last > MAX_CPU) {
      throw new ConfigError(`A list of processors looks like 0-3,8; got "${list}".`);
    }
    return Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
  });
}
