import type { v1 } from '../../../protocol/index.js';

/** A partition, as the control plane lists it. */
export interface ListedPartition {
  readonly ordinal: number;
  /** Of its process. 0 until it has started. */
  readonly incarnation: bigint;
  readonly address: string;
  readonly node: string;
  /** Name of its process. */
  readonly process: string;
  readonly hasStarted: boolean;
}

/** The partitions among the resources of a cluster, also those that have not started yet. */
export function listedPartitions(resources: readonly v1.Resource[]): readonly ListedPartition[] {
  const processes = new Map<bigint, v1.Process>();
  for (const { detail } of resources) if (detail.case === 'process') processes.set(detail.value.pUid, detail.value);
  return resources.flatMap(({ detail }): ListedPartition[] => {
    if (detail.case !== 'partition') return [];
    const { ordinal, address, pUid, segmentsManager } = detail.value;
    const { node = '', name = '' } = processes.get(pUid) ?? {};
    const incarnation = segmentsManager?.incarnation ?? 0n;
    return [{ ordinal, incarnation, address, node, process: name, hasStarted: segmentsManager !== undefined }];
  });
}
