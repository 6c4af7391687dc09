import { ConfigError } from '../errors.js';
import type { Scheduler } from '../scheduler/index.js';
import { limits } from '../limits.js';
import { type EngineGroup, MAIN, NETWORK } from './engine-groups.js';
import type { HostPartition } from './partition-plans.js';

/** A partition's dispatcher and engine groups. */
export interface RunnableResources {
  /** The scheduler of everything in the partition: turns, timers, time, and random numbers. */
  main(): Scheduler;
  /** Throws ConfigError for a group that the system's options do not name. There are always `main` and `network`. */
  group(name: string): EngineGroup;
}

export function runnableResources(scheduler: Scheduler, { engineGroups }: HostPartition): RunnableResources {
  return {
    main: () => scheduler,
    group: (name) => {
      const found = groupNamed(engineGroups, name);
      if (found !== undefined) return found;
      if (name === NETWORK)
        return { name, concurrency: limits.networkEngines, cpus: groupNamed(engineGroups, MAIN)?.cpus ?? [] };
      const known = engineGroups.map((group) => group.name).join(', ');
      throw new ConfigError(
        `There is no engine group "${name}". The option engineGroups of the system names ${known}.`,
      );
    },
  };
}

function groupNamed(groups: readonly EngineGroup[], name: string): EngineGroup | undefined {
  return groups.find((each) => each.name === name);
}
