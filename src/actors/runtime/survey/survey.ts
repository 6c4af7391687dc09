import { messageOf } from '../../../foreign.js';
import { introspectionCUid } from '../../../ids/index.js';
import { limits } from '../../../limits.js';
import { v1 } from '../../../protocol/index.js';
import type { Visitor } from './visitor.js';

/** One partition, as it describes itself; or why it does not. */
export interface SurveyedPartition {
  readonly ordinal: number;
  /** Of its process. */
  readonly incarnation: bigint;
  readonly node: string;
  readonly process: string;
  readonly description: v1.PartitionDescription | undefined;
  /** Undefined where it has answered. */
  readonly error: string | undefined;
}

export interface ClusterSurvey {
  readonly controlPlane: string;
  /** By their ordinals. */
  readonly partitions: readonly SurveyedPartition[];
}

/** Asks each partition of a cluster to describe itself. One that does not answer within `timeoutMs` is listed with the error. */
export async function surveyCluster(visitor: Visitor, timeoutMs: number = limits.askTimeoutMs): Promise<ClusterSurvey> {
  const { controlPlane } = visitor;
  const { resources } = await visitor.list(timeoutMs);
  const processes = new Map<bigint, v1.Process>();
  const found: v1.Partition[] = [];
  for (const { detail } of resources) {
    if (detail.case === 'process') processes.set(detail.value.pUid, detail.value);
    if (detail.case === 'partition') found.push(detail.value);
  }
  const partitions = found.map(async ({ ordinal, pUid, address, segmentsManager }): Promise<SurveyedPartition> => {
    const { node = '', name = '' } = processes.get(pUid) ?? {};
    const about = { ordinal, node, process: name, incarnation: segmentsManager?.incarnation ?? 0n };
    if (segmentsManager === undefined) return { ...about, description: undefined, error: 'it has not started yet' };
    try {
      const cUid = introspectionCUid(ordinal, segmentsManager.incarnation);
      const actor = visitor.reference(v1.Introspection, address, cUid);
      const { partition } = await actor.look({ limit: 1 }, { timeoutMs });
      return { ...about, description: partition, error: undefined };
    } catch (error) {
      return { ...about, description: undefined, error: messageOf(error) };
    }
  });
  const all = await Promise.all(partitions);
  return { controlPlane, partitions: all.sort((left, right) => left.ordinal - right.ordinal) };
}
