import { messageOf } from '../../../foreign.js';
import { introspectionCUid } from '../../../ids/index.js';
import { limits } from '../../../limits.js';
import { v1 } from '../../../protocol/index.js';
import { listedPartitions } from './listed-partitions.js';
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

/**
 * Asks each partition of a cluster to describe itself. One that does not answer within `timeoutMs` is listed with the error. Rejects with
 * AskAbortedError where the signal is aborted.
 */
export async function surveyCluster(
  visitor: Visitor,
  timeoutMs: number = limits.askTimeoutMs,
  signal?: AbortSignal,
): Promise<ClusterSurvey> {
  const { controlPlane } = visitor;
  const { resources } = await visitor.list(timeoutMs, signal);
  const partitions = listedPartitions(resources).map(async (listed): Promise<SurveyedPartition> => {
    const { ordinal, node, process, incarnation, address, hasStarted } = listed;
    const about = { ordinal, node, process, incarnation };
    if (!hasStarted) return { ...about, description: undefined, error: 'it has not started yet' };
    try {
      const actor = visitor.reference(v1.Introspection, address, introspectionCUid(ordinal, incarnation));
      const { partition } = await actor.look({ limit: 1 }, { timeoutMs, signal });
      return { ...about, description: partition, error: undefined };
    } catch (error) {
      if (signal?.aborted === true) throw error;
      return { ...about, description: undefined, error: messageOf(error) };
    }
  });
  const all = await Promise.all(partitions);
  return { controlPlane, partitions: all.sort((left, right) => left.ordinal - right.ordinal) };
}
