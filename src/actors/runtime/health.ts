import { limits } from '../../limits.js';
import type { EventLoopLoad, EventLoopTime } from '../../scheduler/index.js';
import type { Carrier, RepeatCounters, RingCounters } from '../../transport/index.js';
import { shownAddress } from '../../transport/stack/index.js';
import type { ActorTrouble, MailboxPressure } from '../kernel/index.js';
import type { PartitionView, Responsiveness } from './partition-view.js';

/** The phases of a runtime, in order. `draining`: it was told to stop, and finishes its work. */
export type Phase = 'starting' | 'running' | 'draining' | 'stopped';

/** The state of a runtime at one moment: plain, frozen data that an endpoint can return as JSON. */
export interface Health {
  readonly phase: Phase;
  /** For readiness probes: the runtime accepts work. It is running, and `problems` is empty. */
  readonly isReady: boolean;
  /**
   * For liveness probes: false when the runtime has stopped, has lost its place in the cluster for good, or has lost all of its partitions on
   * threads or in processes for good. While the control plane cannot be reached, it is true: the runtime takes up the connection by itself.
   */
  readonly isAlive: boolean;
  /** Why it is not ready, as sentences. */
  readonly problems: readonly string[];
  readonly controlPlane: {
    readonly address: string;
    /** This runtime runs the control plane server. */
    readonly isServedHere: boolean;
    /** While it is false, actors and links go on; lookups and starts wait. */
    readonly isReachable: boolean;
  };
  readonly partitions: readonly PartitionHealth[];
  readonly links: readonly LinkHealth[];
  /**
   * Your actors that ended by a failure, those that restarted at least three times within `restartWindowMs`, and those that were placed by this
   * process and lost with their partitions. An actor that ended is named until one is started at its path again, and a placed one until another of its
   * component and name is placed. One without a parent, and one that restarts, is in `problems`, too.
   */
  readonly troubles: readonly ActorTrouble[];
  readonly eventLoop: EventLoopLoad;
}

export interface PartitionHealth {
  readonly ordinal: number;
  readonly address: string;
  readonly state: Responsiveness;
  readonly actors: number;
  readonly segments: number;
  /** Messages that wait in all mailboxes. */
  readonly queued: number;
  /** The mailbox nearest to its capacity; undefined when all are empty. */
  readonly fullest: { readonly actor: string; readonly queued: number; readonly capacity: number } | undefined;
  /**
   * Time in ms since its thread began that its event loop has worked and waited; of one on a thread or in a process, as it has reported last, once a second. The utilization
   * is that of the difference of two. Zero on virtual time.
   */
  readonly eventLoop: EventLoopTime;
}

export interface LinkHealth {
  /** Ordinal of the partition at this end. */
  readonly partition: number;
  readonly peer: string;
  readonly state: 'opening' | 'open';
  /** The peer has sent nothing for `linkDeadMs`: its event loop is blocked, or it is paused, for example in a debugger. */
  readonly isUnresponsive: boolean;
  /** Undefined until it is open. */
  readonly carrier: Carrier | undefined;
  /** Totals since the link was opened. */
  readonly framesSent: number;
  readonly framesReceived: number;
  /** Counters of its rings and their socket; undefined for a link without rings. */
  readonly rings: RingCounters | undefined;
  /** What its transport has repeated; undefined for a link whose transport repeats nothing. */
  readonly repeats: RepeatCounters | undefined;
  readonly pendingAsks: number;
  /** Encoded bytes that wait for the link. */
  readonly waitingBytes: number;
}

export interface HealthInput {
  readonly phase: Phase;
  readonly controlPlane: Health['controlPlane'];
  /** Another process has the ids of this one: it is no longer part of the cluster. */
  readonly isFenced: boolean;
  readonly partitions: readonly PartitionView[];
  /** Sentences about partitions that are busy, wedged or gone. */
  readonly partitionProblems: readonly string[];
  /** Each partition on a thread or in a process of its own is gone for good. */
  readonly haveHostedFailed: boolean;
  /** Sentences about names that were refused to actors of this process, and about its cluster store. */
  readonly own: readonly string[];
  /** Actors that this process has placed and that were lost with their partitions. */
  readonly lost: { problems(): readonly string[]; troubles(): readonly ActorTrouble[] };
  readonly eventLoop: EventLoopLoad;
}

export function healthOf(input: HealthInput): Health {
  const { phase, controlPlane, isFenced, partitions, partitionProblems, haveHostedFailed, own, lost, eventLoop } =
    input;
  const pressures = partitions.map((partition) => partition.pressure());
  const troubles = [...partitions.flatMap((partition) => partition.troubles()), ...lost.troubles()];
  const problems = [
    ...(phase === 'running' ? [] : [`The runtime is ${phase}.`]),
    ...(phase === 'running' && !controlPlane.isReachable
      ? [cutOffProblem(shownAddress(controlPlane.address), isFenced)]
      : []),
    ...partitionProblems,
    ...own,
    ...lost.problems(),
    ...pressures.flatMap(pressureProblem),
    ...troubles.flatMap(troubleProblem),
    ...delayProblem(eventLoop),
  ];
  return frozen({
    phase,
    isReady: problems.length === 0,
    isAlive: phase !== 'stopped' && !isFenced && !haveHostedFailed,
    problems,
    controlPlane,
    partitions: partitions.map((partition, index) => partitionHealth(partition, pressures[index])),
    links: partitions.flatMap((partition) => partition.links()),
    troubles,
    eventLoop,
  });
}

function cutOffProblem(address: string, isFenced: boolean): string {
  return isFenced
    ? 'Another process has the ids of this one, which is no longer part of the cluster: start this process again.'
    : `The control plane at ${address} cannot be reached: actors go on, lookups and starts wait for it.`;
}

function pressureProblem({ pastMark, fullest }: MailboxPressure): string[] {
  if (pastMark === 0 || fullest === undefined) {
    return [];
  }
  const { actor, queued, capacity } = fullest;
  const others = pastMark === 1 ? '' : `, and ${pastMark - 1} more are past their mark`;
  return [`The mailbox of ${actor} holds ${queued} of ${capacity} messages${others}.`];
}

function troubleProblem({ actor, state, isRoot, restarts, error }: ActorTrouble): string[] {
  if (state === 'restarting') return [`${actor} restarts again and again (${restarts} times lately): ${error}`];
  return isRoot ? [`${actor} has ended by a failure, and was not started again: ${error}`] : [];
}

function delayProblem({ delayMs }: EventLoopLoad): string[] {
  return delayMs.p99 <= limits.healthyDelayMs
    ? []
    : [`The event loop is late by ${Math.round(delayMs.p99)} ms (99th percentile): a handler blocks it.`];
}

function partitionHealth(partition: PartitionView, pressure: MailboxPressure | undefined): PartitionHealth {
  const { ordinal = 0, actors = 0, segments = 0, address = '' } = partition.description();
  const { queued = 0, fullest } = pressure ?? {};
  return { ordinal, address, state: partition.state, actors, segments, queued, fullest, eventLoop: partition.loop() };
}

/** Freezes a value deeply, because all readers share it. */
function frozen<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    if (typeof part === 'object' && part !== null) {
      frozen(part);
    }
  }
  return Object.freeze(value);
}
