import { isError, messageOf } from '../../foreign.js';
import type { Route } from '../../actors/kernel/index.js';
import { type AnyMethod, Lane } from '../../protocol/index.js';
import type { NetworkPlan } from '../plan.js';
import type { Violations } from '../violation.js';
import { checksumOf, EPSILON_MS, replyChecksum, requestChecksumOf } from './comparison.js';
import { describe, type Message, type Party, type Receiver } from './message.js';
import { TellAccount } from './tell-account.js';

export interface MessagesOptions {
  readonly now: () => number;
  readonly network: NetworkPlan;
  readonly violations: Violations;
  readonly record: (line: string) => void;
  /** Most time that a message needs to reach another process, unless faults delay it. */
  readonly transitMs: number;
  /** Faults may delay messages. */
  readonly isDelayed: boolean;
  /** Links may end while there are messages. */
  readonly endsLinks: boolean;
}

/** No link ends so soon after it has delivered something, in ms. */
const WARM_MS = 100;
/** How much two clocks may have drifted apart since a link was opened, as far as the receiver allows for it, in ms. */
const DRIFT_MS = 10;

/** Every message of observed references, from the sender to the handler and back. */
export class Messages {
  readonly #options: MessagesOptions;
  readonly #sent: Message[] = [];
  /** The id of the last handled message, for each sender, receiver and lane. */
  readonly #last = new Map<string, number>();
  /** When the last message was sent that was handled promptly, for each sender and receiver of different processes. */
  readonly #promptMs = new Map<string, number>();
  readonly tells: TellAccount;

  constructor(options: MessagesOptions) {
    this.#options = options;
    this.tells = new TellAccount(options);
  }

  get count(): number {
    return this.#sent.length;
  }

  /** Pending asks, except those of processes that have ended. */
  get unsettled(): readonly Message[] {
    return this.#sent.filter(
      ({ isSettled, deadlineMs, sender }) => deadlineMs !== undefined && !isSettled && sender.endedMs === undefined,
    );
  }

  /** `timeoutMs`: of an ask; undefined for a tell. */
  sent(
    sender: Party,
    { cUid, incarnation }: Pick<Route, 'cUid' | 'incarnation'>,
    method: AnyMethod,
    message: unknown,
    timeoutMs: number | undefined,
  ): Message {
    const sentMs = this.#options.now();
    const sent: Message = {
      id: this.#sent.length,
      sender,
      receiver: cUid,
      incarnation,
      method,
      checksum: requestChecksumOf(method, message),
      sentMs,
      deadlineMs: timeoutMs === undefined ? undefined : sentMs + timeoutMs,
      replies: [],
      timesHandled: 0,
      isSettled: false,
    };
    this.#sent.push(sent);
    this.tells.sent(method);
    this.#options.record(`send ${describe(sent)}`);
    return sent;
  }

  /** `id`: the id in the meta of the message. Returns the message, or undefined if it was never sent. */
  handled(id: string, receiver: Receiver, method: AnyMethod, message: unknown): Message | undefined {
    const { violations, record, network } = this.#options;
    const sent = this.#sent[Number(id)];
    if (sent === undefined || !isSentTo(receiver, sent) || sent.method.fullName !== method.fullName) {
      violations.add(
        'invented',
        `${receiver.name} received ${method.fullName}, message ${id}, which nobody sent to it`,
      );
      return undefined;
    }
    record(`handle ${describe(sent)} by ${receiver.name}`);
    sent.timesHandled++;
    if (requestChecksumOf(method, message) !== sent.checksum) {
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
    const reply = replyChecksum(sent.method, value);
    if (reply !== undefined) sent.replies.push(reply);
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
    this.#settled(sent, `failed ${isError(error) ? error.name : messageOf(error)}`);
  }

  /** Accepted tells that were neither handled nor reported. */
  missing(receiverOf: (cUid: bigint) => Party | undefined, lasting: ReadonlySet<bigint>): readonly Message[] {
    return this.tells.missing(this.#sent, receiverOf, lasting);
  }

  /** Checks the dead letters at the end of a run. `missing` are tells that were neither handled nor reported. */
  checkTells(missing: readonly Message[], receiverOf: (cUid: bigint) => Party | undefined): void {
    this.tells.report(missing);
    this.tells.checkOnce(this.#sent, receiverOf);
  }

  #settled(sent: Message, how: string): void {
    const { now, violations, record } = this.#options;
    record(`${how} ${describe(sent)}`);
    if (sent.isSettled) {
      violations.add('once', `${describe(sent)} was settled twice`);
    }
    sent.isSettled = true;
    // The timers of a process that was killed stand still until its memory is given back.
    if (sent.sender.endedMs !== undefined) return;
    const lateMs = now() - (sent.deadlineMs ?? Number.POSITIVE_INFINITY);
    if (lateMs > EPSILON_MS) {
      violations.add('deadline', `${describe(sent)} ${how} ${lateMs.toFixed(3)} ms after its deadline`);
    }
  }

  /** In its own process, an expired ask must never be handled. In another process, it may be late by the transit time of its frames. */
  #checkExpiry(sent: Message, receiver: Receiver): void {
    const { now, violations } = this.#options;
    const allowedMs = sent.sender.node === receiver.node ? 0 : this.#mostLateMs(sent, receiver);
    const lateMs = now() - (sent.deadlineMs ?? Number.POSITIVE_INFINITY);
    if (lateMs > allowedMs + EPSILON_MS) {
      violations.add('deadline', `${receiver.name} ran ${describe(sent)} ${lateMs.toFixed(3)} ms after its deadline`);
    }
  }

  /**
   * A receiver estimates how long an ask was on its way from the first frames of its link, which say when they were sent. Infinite where those
   * may have been held up, too: it is known only of a link that has just delivered something promptly.
   */
  #mostLateMs({ sender, sentMs }: Message, receiver: Receiver): number {
    const { now, transitMs, isDelayed, network } = this.#options;
    const pair = `${sender.name}>${receiver.name}`;
    const promptMs = this.#promptMs.get(pair) ?? Number.NEGATIVE_INFINITY;
    if (now() - sentMs <= transitMs) this.#promptMs.set(pair, sentMs);
    if (!isDelayed) return transitMs;
    const isReliable = network.loss === 0 && network.duplicate === 0 && network.reorder === 0;
    return isReliable && sentMs - promptMs < WARM_MS ? transitMs + DRIFT_MS : Number.POSITIVE_INFINITY;
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

/** An actor of a later process may have the same id: it must not get the messages of the first. */
function isSentTo({ cUid, incarnation }: Receiver, sent: Message): boolean {
  return sent.receiver === cUid && (sent.incarnation === 0n || sent.incarnation === incarnation);
}
