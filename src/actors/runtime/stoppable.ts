import { type MillraceError, StoppedError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../logging/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { ControlPlaneClient } from '../control-plane/index.js';
import type { ClusterNames } from './cluster-names.js';
import type { ControlPlaneHost } from './control-plane-host.js';
import type { RuntimeNetwork } from './network/index.js';
import type { Partitions } from './partitions.js';
import type { Placements } from './placing/index.js';
import type { PipelineRuns } from './pipeline-runs.js';
import { hasPeers, unfinishedOf } from './runtime-unfinished.js';
import type { Stoppable } from './stopping.js';

export interface StoppableParts {
  readonly scheduler: Scheduler;
  readonly log: Logger;
  readonly partitions: Partitions;
  readonly runs: PipelineRuns;
  readonly names: Pick<ClusterNames, 'registered' | 'close'>;
  readonly client: () => ControlPlaneClient | undefined;
  readonly network: Pick<RuntimeNetwork, 'leave' | 'crash'> | undefined;
  /** The actors that this process has placed. */
  readonly placements: Pick<Placements, 'calls' | 'close' | 'abandon'>;
  /** Where this process may serve the control plane. */
  readonly host: Pick<ControlPlaneHost, 'close' | 'abandon'>;
  /** Called last. */
  readonly closed: () => void;
}

/** The steps that stop a runtime: first segments, while others can still be notified, then the control plane client, actors, and links. */
export function stoppable(parts: StoppableParts): Stoppable {
  const { scheduler, log, partitions, runs, placements, names } = parts;
  return {
    scheduler,
    log,
    begin: () => partitions.stopBegins(),
    unregisterNames: () => names.registered.close(),
    hasPeers: () => hasPeers(partitions.views()),
    unfinished: () => unfinishedOf(partitions.views(), { pipelines: runs.counts().running, placing: placements.calls }),
    refresh: () => partitions.refresh(),
    drain: () => partitions.drain(),
    // First of all: a link to a partition can be opened only while the control plane says where that is.
    leave: () => partitions.leave(),
    end: async (options) => {
      runs.lost(new StoppedError('The runtime that started this pipeline has stopped.'));
      await parts.network?.leave();
      await placements.close();
      await partitions.stopSegments();
      await parts.client()?.disconnect();
      names.close();
      await parts.host.close();
      const end = await partitions.close(options);
      const { untakenTells } = end;
      if (untakenTells > 0) {
        log.warn('tells are dead letters, because the processes of their actors have not taken them in time', {
          untakenTells,
          linkLingerMs: limits.linkLingerMs,
        });
      }
      parts.closed();
      log.debug('runtime has stopped');
      return end;
    },
    abandon: async (error: MillraceError) => {
      parts.host.abandon();
      parts.network?.crash();
      runs.lost(error);
      placements.abandon(error);
      parts.client()?.abandon(error);
      names.close();
      await partitions.crash();
      parts.closed();
    },
  };
}
