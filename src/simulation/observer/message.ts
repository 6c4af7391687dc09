import type { AnyMethod } from '../../protocol/index.js';

/** One message that was sent: a tell or an ask. */
export interface Message {
  readonly id: number;
  readonly sender: Party;
  readonly receiver: bigint;
  /** The process of the receiver, by its reference; 0n if the reference does not say. */
  readonly incarnation: bigint;
  readonly method: AnyMethod;
  readonly checksum: number;
  readonly sentMs: number;
  /** The deadline of an ask. */
  readonly deadlineMs: number | undefined;
  /** Checksums of the replies of its handlers. */
  readonly replies: number[];
  timesHandled: number;
  /** True for an ask that was answered or has failed, and for a tell that was rejected at once. */
  isSettled: boolean;
}

/** A sender: an actor, or the workload itself. */
export interface Party {
  readonly name: string;
  readonly node: string;
  /** When its process ended; undefined while it runs. Its pending asks no longer count. */
  readonly endedMs: number | undefined;
}

/** An actor that handles messages. */
export interface Receiver extends Party {
  readonly cUid: bigint;
  readonly incarnation: bigint;
}

export function describe({ id, sender, method }: Message): string {
  return `message ${id} ${method.fullName} of ${sender.name}`;
}
