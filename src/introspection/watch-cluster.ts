import type { Runtime } from '../actors/runtime/index.js';
import { ClusterWatch, type WatchOptions } from './cluster-watch.js';

/**
 * Watches the cluster of a runtime: all its processes, partitions, actors, links and pipelines. Each `refresh` asks them anew. Close it when nobody looks.
 *
 *     await using watch = watchCluster(runtime);
 *     const { partitions } = await watch.refresh();
 *     for (const { actors } of partitions) console.table(actors);
 */
export function watchCluster(runtime: Pick<Runtime, 'peers'>, options: WatchOptions = {}): ClusterWatch {
  return new ClusterWatch(runtime.peers, options);
}
