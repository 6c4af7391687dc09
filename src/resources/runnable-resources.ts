import { ConfigError } from '../errors.js';
import type { Scheduler } from '../scheduler/index.js';
import type { EngineGroup } from './engine-groups.js';
import type { HostPartition } from './partition-plans.js';

/** Where the work of a partition runs: its dispatcher, and groups of engines, each with its budget of processors. */
export interface RunnableResources {
  /** The dispatcher: turns, timers, time and chance of everything in the partition. */
  main(): Scheduler;
  /** ConfigError for a group that the options of the system do not name. */
  group(name: string): EngineGroup;
}

export function runnableResources(scheduler: Scheduler, { engineGroups }: HostPartition): RunnableResources {
  return {
    main: () => scheduler,
    group: (name) => {
      const found = engineGroups.find((group) => group.name === name);
      if (found !== undefined) return found;
      const known = engineGroups.map((group) => group.name).join(', ');
      throw new ConfigError(`There is no engine group "${name}"; engineGroups of the system names ${known}.`);
    },
  };
}
