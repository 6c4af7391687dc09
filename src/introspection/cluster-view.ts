/** What a cluster does at one moment: plain data that becomes JSON. Times are in ms, sizes in bytes, rates per second. */
export interface ClusterView {
  readonly controlPlane: string;
  /** Clock of the watcher. */
  readonly atMs: number;
  readonly processes: readonly ProcessShown[];
  /** By their ordinals. */
  readonly partitions: readonly PartitionShown[];
  /** The last one first. Those that have ended stay for a while. */
  readonly pipelines: readonly PipelineShown[];
  readonly names: readonly NameShown[];
  /** The last one first, at most 200. */
  readonly events: readonly EventShown[];
}

export interface ProcessShown {
  /** A decimal number. */
  readonly pUid: string;
  readonly node: string;
  readonly name: string;
}

export interface PartitionShown {
  readonly ordinal: number;
  readonly node: string;
  readonly process: string;
  /** Among the partitions of its process, from 0. */
  readonly index: number;
  readonly address: string;
  /** Why it has not answered, in a sentence: what is shown is what it said last. Undefined: it has answered. */
  readonly silence: string | undefined;
  /** Why its process is not ready. */
  readonly problems: readonly string[];
  /** Actors, also those of the runtime. */
  readonly actorCount: number;
  readonly messageRate: number;
  readonly queued: number;
  readonly failures: number;
  readonly restarts: number;
  readonly deadLetters: number;
  readonly pendingAsks: number;
  readonly openStreams: number;
  /** Share of the time that its event loop is at work, from 0 to 1. */
  readonly load: number;
  readonly cpus: readonly number[];
  /** Actors that match the filter, listed or not. */
  readonly actorsFound: number;
  readonly actors: readonly ActorShown[];
  readonly links: readonly LinkShown[];
  readonly pools: readonly PoolShown[];
  /** Values of this partition that others hold. */
  readonly lent: { readonly values: number; readonly sizeBytes: number };
}

export interface ActorShown {
  readonly path: string;
  readonly service: string;
  readonly phase: string;
  readonly queued: number;
  readonly capacity: number;
  readonly parked: number;
  readonly stashed: number;
  /** Turns: messages, signals and starts. */
  readonly handled: number;
  readonly rate: number;
  /** Share of the time that it is at work, from 0 to 1. */
  readonly work: number;
  readonly failures: number;
  readonly lastFailure: string;
  readonly children: number;
  readonly isWaiting: boolean;
}

export interface LinkShown {
  readonly id: number;
  readonly peer: string;
  /** Ordinal of the peer; undefined where it is not known. */
  readonly to: number | undefined;
  /** Such as `memory`, or `net over tcp`. */
  readonly carrier: string;
  readonly isOpen: boolean;
  readonly isUnresponsive: boolean;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly sentRate: number;
  readonly receivedRate: number;
  readonly pendingAsks: number;
  readonly waitingBytes: number;
}

export interface PoolShown {
  readonly name: string;
  readonly memory: string;
  readonly usedBytes: number;
  readonly reservedBytes: number;
  readonly limitBytes: number;
  readonly blocks: number;
  readonly waiting: number;
  readonly leaks: number;
}

export interface PipelineShown {
  readonly id: number;
  readonly name: string;
  /** starting, running, completed, stopping, stopped or failed. */
  readonly state: string;
  readonly failure: string;
  readonly segments: readonly SegmentShown[];
}

export interface SegmentShown {
  readonly id: number;
  readonly name: string;
  readonly instance: number;
  readonly partition: number;
  readonly state: string;
  readonly read: number;
  readonly written: number;
  readonly queued: number;
  readonly readRate: number;
  readonly writeRate: number;
}

export interface NameShown {
  readonly name: string;
  readonly service: string;
  /** Ordinal of the partition of its actor; undefined where it has none. */
  readonly partition: number | undefined;
  readonly isGroup: boolean;
}

export interface EventShown {
  readonly atMs: number;
  /** started, stopped, failed, dead-letter, ask-late, link-opened, link-closed, partition-joined, partition-ended, partition-silent, partition-answers, or lost. */
  readonly kind: string;
  readonly partition: number;
  readonly subject: string;
  readonly detail: string;
}
