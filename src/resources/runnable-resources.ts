import { ConfigError } from '../errors.js';
import type { Scheduler } from '../scheduler/index.js';
import type { EngineGroup } from './engine-groups.js';
import type { HostPartition } from './partition-plans.js';

/** A partition's dispatcher and engine groups. */
export interface RunnableResources {
  /** The scheduler of everything in the partition: turns, timers, time, and random numbers. */
  main(): Scheduler;
  /** Throws ConfigError for a group that the system's options do not name. */
  group(name: string): EngineGroup;
}

export function runnableResources(scheduler: Scheduler, { engineGroups }: HostPartition): RunnableResources {
  return {
    main: () => scheduler,
    group: (name) => {
      const found = engineGroups.find((group) => group.name === name);
      if (found !== undefined) return found;
      const known = engineGroups.map((group) => group.name).join(', ');
      throw new ConfigError(
        `There is no engine group "${name}". The option engineGroups of the system names ${known}.`,
      );
    },
  };
}
