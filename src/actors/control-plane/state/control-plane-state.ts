import { firstResourceOf, incarnationOfTerm } from '../../../ids/index.js';
import { PersistentMap } from '../../../persistent-map.js';
import type { EmptyInit, v1 } from '../../../protocol/index.js';
import type { AnswersState } from './answers.js';
import { type GroupsState, NO_GROUPS } from './groups.js';
import { type MembersState, noMembers } from './members.js';
import { type NamesState, NO_NAMES } from './names.js';
import { NO_RUNS, type PipelinesState } from './pipelines.js';
import { noResources, type ResourcesState } from './resource-table.js';

/** Everything that the control plane knows: an immutable value. Only `apply` makes another one from it. */
export interface ControlPlaneState {
  readonly server: ServerSituation;
  readonly resources: ResourcesState;
  readonly members: MembersState;
  readonly names: NamesState;
  readonly groups: GroupsState;
  readonly pipelines: PipelinesState;
  readonly answers: IdempotencyCache;
}

/** Which control plane this is, and whether it follows on another one. */
export interface ServerSituation {
  readonly epoch: number;
  readonly incarnation: bigint;
  /** An election has given the epoch. Otherwise it follows on the highest that announced processes know. */
  readonly isEpochGiven: boolean;
  /** While it runs, the processes of the cluster announce what they have. There is one at most. */
  readonly recovery: 'none' | 'running' | 'over';
}

/** The replies to requests that may be repeated, by the kind of their reply. */
export interface IdempotencyCache {
  readonly registered: AnswersState<v1.PartitionsRegisteredInit>;
  readonly started: AnswersState<v1.PipelineStartedInit>;
  readonly added: AnswersState<v1.InstanceAddedInit>;
  readonly named: AnswersState<v1.NameRegisteredInit>;
  readonly announced: AnswersState<v1.NamesRegisteredInit>;
  readonly done: AnswersState<EmptyInit>;
}

export interface ControlPlaneOptions {
  /** Incarnation of the process that runs the server: each incarnation assigns other ids. Default 0n: ids start at the first. */
  readonly incarnation?: bigint;
  /**
   * What an election has given it: each leader has a higher one than those before. Above 1, it waits for the announcements of the cluster.
   * Default: 1, or the one after the highest that the processes know which announce themselves.
   */
  readonly epoch?: number;
}

/** What a control plane knows when it starts. */
export function initialState({ incarnation = 0n, epoch }: ControlPlaneOptions = {}): ControlPlaneState {
  const recovery = epoch !== undefined && epoch > 1 ? 'running' : 'none';
  const ids = incarnationOfTerm(incarnation, epoch ?? 1);
  return {
    server: { epoch: epoch ?? 1, incarnation, isEpochGiven: epoch !== undefined, recovery },
    resources: noResources(firstResourceOf(ids)),
    members: noMembers(ids),
    names: NO_NAMES,
    groups: NO_GROUPS,
    pipelines: NO_RUNS,
    answers: {
      registered: PersistentMap.empty(),
      started: PersistentMap.empty(),
      added: PersistentMap.empty(),
      named: PersistentMap.empty(),
      announced: PersistentMap.empty(),
      done: PersistentMap.empty(),
    },
  };
}
