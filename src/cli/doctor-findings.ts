/** What is wrong in a cluster, in sentences. */
import type { ClusterSurvey, SurveyedPartition } from '../actors/runtime/survey/index.js';
import type { v1 } from '../protocol/index.js';
import { bytesText, valuesText } from './doctor-report.js';

/** Nothing where all partitions answer and all memory is held by partitions that are there. */
export function findingsOf({ partitions }: ClusterSurvey): readonly string[] {
  const living = new Set(partitions.map(({ ordinal, incarnation }) => `${ordinal}:${incarnation}`));
  return partitions.flatMap((partition) => [
    ...problemsOf(partition),
    ...leftBehind(partition, living),
    ...(partition.description?.pools ?? []).flatMap((pool) => poolProblems(partition, pool)),
  ]);
}

function problemsOf({ ordinal, description, error }: SurveyedPartition): readonly string[] {
  if (error !== undefined) return [`Partition ${ordinal} has not answered: ${error}`];
  const { kept, violations = 0 } = description?.ledger ?? {};
  const problems: string[] = [];
  if (kept !== undefined && kept.values > 0) {
    problems.push(
      `Partition ${ordinal} still reads ${valuesText(kept)} of processes that have ended. Dispose the descriptors.`,
    );
  }
  if (violations > 0) {
    problems.push(
      `Partition ${ordinal} got ${violations} messages about values that could not be; its log names the peers.`,
    );
  }
  return problems;
}

/** The end of a process is known to all others within moments: what is held for it then is a fault. */
function leftBehind({ ordinal, description }: SurveyedPartition, living: ReadonlySet<string>): readonly string[] {
  const left = (who: string, all: readonly v1.PeerValues[]): readonly string[] =>
    all.flatMap(({ peer, amount }) => {
      if (peer === undefined || amount === undefined || amount.values === 0) return [];
      if (living.has(`${peer.ordinal}:${peer.incarnation}`)) return [];
      return [`Partition ${ordinal} has ${valuesText(amount)} ${who} partition ${peer.ordinal}, which has ended.`];
    });
  const { holders = [], owners = [] } = description?.ledger ?? {};
  return [...left('that are held by', holders), ...left('of', owners)];
}

function poolProblems({ ordinal }: SurveyedPartition, pool: v1.PoolDescription): readonly string[] {
  const { name, waiting, leaks, limitBytes } = pool;
  const where = `The pool "${name}" of partition ${ordinal}`;
  const problems: string[] = [];
  if (waiting > 0) {
    problems.push(
      `${where} is full: ${waiting} calls wait for memory. Its limit is ${bytesText(limitBytes)}: raise limitBytes, or dispose blocks earlier.`,
    );
  }
  if (leaks > 0) {
    problems.push(
      `${where} has lost ${leaks} blocks, which were never disposed; the log names the lines that made them.`,
    );
  }
  return problems;
}
