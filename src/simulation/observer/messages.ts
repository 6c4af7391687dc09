import type { DeadLetter } from '../../actors/kernel/index.js';
import { type AnyMethod, Lane } from '../../protocol/index.js';
import type { NetworkPlan } from '../plan.js';
import type { Violations } from '../violation.js';
import { checksumOf, EPSILON_MS } from './comparison.js';

/** One message that was sent: a tell or an ask. */
export interface Message {
  readonly id: number;
  readonly sender: Party;
  readonly receiver: bigint;
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
  /** Its process has ended. Its pending asks no longer count. */
  readonly isGone: boolean;
}

/** An actor that handles messages. */
export interface Receiver extends Party {
  readonly cUid: bigint;
}

export interface MessagesOptions {
  readonly now: () => number;
  readonly network: NetworkPlan;
  readonly violations: Violations;
  readonly record: (line: string) => void;
  /** Most time that an ask needs to reach another process, where its timeout continues; undefined if faults may delay it. */
  readonly transitMs: number | undefined;
}

/** Every message of observed references, from the sender to the handler and back. */
export class Messages {
  readonly #options: MessagesOptions;
  readonly #sent: Message[] = [];
  /** The id of the last handled message, for each sender, receiver and lane. */
  readonly #last = new Map<string, number>();
  readonly #methods = new Map<string, AnyMethod>();
  /** The number of tells that overflowed a mailbox, by method and content. */
  readonly #dead = new Map<string, number>();

  constructor(options: MessagesOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#sent.length;
  }

  /** Pending asks, except those of processes that have ended. */
  get unsettled(): readonly Message[] {
    return this.#sent.filter(
      ({ isSettled, deadlineMs, sender }) => deadlineMs !== undefined && !isSettled && !sender.isGone,
    );
  }

  /** `timeoutMs`: of an ask; undefined for a tell. */
  sent(sender: Party, receiver: bigint, method: AnyMethod, message: unknown, timeoutMs: number | undefined): Message {
    const sentMs = this.#options.now();
    const sent: Message = {
      id: this.#sent.length,
      sender,
      receiver,
      method,
      checksum: checksumOf(method.request, message),
      sentMs,
      deadlineMs: timeoutMs === undefined ? undefined : sentMs + timeoutMs,
      replies: [],
      timesHandled: 0,
      isSettled: false,
    };
    this.#sent.push(sent);
    this.#methods.set(method.fullName, method);
    this.#options.record(`send ${describe(sent)}`);
    return sent;
  }

  /** `id`: the id in the meta of the message. Returns the message, or undefined if it was never sent. */
  handled(id: string, receiver: Receiver, method: AnyMethod, message: unknown): Message | undefined {
    const { violations, record, network } = this.#options;
    const sent = this.#sent[Number(id)];
    if (sent === undefined || sent.receiver !== receiver.cUid || sent.method.fullName !== method.fullName) {
      violations.add(
        'invented',
        `${receiver.name} received ${method.fullName}, message ${id}, which nobody sent to it`,
      );
      return undefined;
    }
    record(`handle ${describe(sent)} by ${receiver.name}`);
    sent.timesHandled++;
    if (checksumOf(method.request, message) !== sent.checksum) {
      violations.add('invented', `${receiver.name} received ${describe(sent)} with a different content than was sent`);
    }
    if (sent.timesHandled > 1 && network.duplicate === 0) {
      violations.add('once', `${receiver.name} handled ${describe(sent)} ${sent.timesHandled} times`);
    }
    this.#checkOrder(sent, receiver.name);
    this.#checkExpiry(sent, receiver);
    return sent;
  }

  /** A handler has replied. */
  replied(sent: Message, value: unknown): void {
    sent.replies.push(checksumOf(sent.method.response, sent.method.response.create(value)));
  }

  /** The caller has received the reply. */
  answered(sent: Message, value: unknown): void {
    this.#settled(sent, 'answered');
    if (!sent.replies.includes(checksumOf(sent.method.response, value))) {
      this.#options.violations.add(
        'invented',
        `${describe(sent)} was answered with a value that no handler has replied`,
      );
    }
  }

  /** A tell was rejected: its sender got an error. */
  refused(sent: Message): void {
    this.#options.record(`refuse ${describe(sent)}`);
    sent.isSettled = true;
  }

  failed(sent: Message, error: unknown): void {
    this.#settled(sent, `failed ${error instanceof Error ? error.name : String(error)}`);
  }

  /** A mailbox has overflowed. The message is a dead letter, so it does not count as lost. */
  deadLetter({ method, message, reason }: DeadLetter): void {
    const known = this.#methods.get(method);
    if (known === undefined || reason !== 'overflow') return;
    const kind = `${method}/${checksumOf(known.request, message)}`;
    this.#dead.set(kind, (this.#dead.get(kind) ?? 0) + 1);
  }

  /** Checks a run in which no frame is lost. `isLasting`: true for an actor that still runs. */
  checkLost(isLasting: (cUid: bigint) => boolean): void {
    const dead = new Map(this.#dead);
    for (const sent of this.#sent) {
      if (sent.deadlineMs !== undefined || sent.isSettled || sent.timesHandled > 0 || !isLasting(sent.receiver))
        continue;
      const kind = `${sent.method.fullName}/${sent.checksum}`;
      const count = dead.get(kind) ?? 0;
      if (count === 0)
        this.#options.violations.add('lost', `${describe(sent)} was never handled, and no frame was lost`);
      dead.set(kind, Math.max(0, count - 1));
    }
  }

  #settled(sent: Message, how: string): void {
    const { now, violations, record } = this.#options;
    record(`${how} ${describe(sent)}`);
    if (sent.isSettled) {
      violations.add('once', `${describe(sent)} was settled twice`);
    }
    sent.isSettled = true;
    const lateMs = now() - (sent.deadlineMs ?? Number.POSITIVE_INFINITY);
    if (lateMs > EPSILON_MS) {
      violations.add('deadline', `${describe(sent)} ${how} ${lateMs.toFixed(3)} ms after its deadline`);
    }
  }

  /** In its own process, an expired ask must never be handled. In another process, it may be late by the transit time of its frames. */
  #checkExpiry(sent: Message, receiver: Receiver): void {
    const { now, transitMs, violations } = this.#options;
    const allowedMs = sent.sender.node === receiver.node ? 0 : (transitMs ?? Number.POSITIVE_INFINITY);
    const lateMs = now() - (sent.deadlineMs ?? Number.POSITIVE_INFINITY);
    if (lateMs > allowedMs + EPSILON_MS) {
      violations.add('deadline', `${receiver.name} ran ${describe(sent)} ${lateMs.toFixed(3)} ms after its deadline`);
    }
  }

  #checkOrder(sent: Message, receiver: string): void {
    // A duplicated frame repeats messages after later ones were handled.
    if (this.#options.network.reorder > 0 || sent.timesHandled > 1) return;
    const lane = sent.method.lane === Lane.control ? 'control' : 'data';
    const path = `${sent.sender.name}>${receiver}/${lane}`;
    const last = this.#last.get(path) ?? -1;
    if (sent.id < last) {
      this.#options.violations.add(
        'order',
        `${receiver} handled ${describe(sent)} after message ${last} on lane ${lane}`,
      );
    }
    this.#last.set(path, Math.max(last, sent.id));
  }
}

export function describe({ id, sender, method }: Message): string {
  return `message ${id} ${method.fullName} of ${sender.name}`;
}
