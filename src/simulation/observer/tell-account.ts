import type { DeadLetter, DeadLetterReason } from '../../actors/kernel/index.js';
import type { AnyMethod } from '../../protocol/index.js';
import type { NetworkPlan } from '../plan.js';
import type { Violations } from '../violation.js';
import { checksumOf } from './comparison.js';
import { describe, type Message, type Party } from './message.js';

export interface TellAccountOptions {
  readonly violations: Violations;
  readonly network: NetworkPlan;
  /** Links may end while there are messages. */
  readonly endsLinks: boolean;
}

/** Reasons of reports that an actor has ended, or has no handler. */
const OF_ACTORS: readonly DeadLetterReason[] = ['stopped', 'unknown method'];

/**
 * The account of all tells: what was accepted was handled or reported. A report is a dead letter at the node of the sender. It is one at the
 * node of the actor when the mailbox of the actor has dropped the tell, or the link has ended. Dead letters are matched by method
 * and content, so tells with equal contents are counted together.
 */
export class TellAccount {
  readonly #options: TellAccountOptions;
  readonly #methods = new Map<string, AnyMethod>();
  /** Full names of the methods of behaviors that have chosen to drop messages. */
  readonly #mayDrop = new Set<string>();
  /** Counts of dead letters, by node, reason, method and content. */
  readonly #dead = new Map<string, number>();

  constructor(options: TellAccountOptions) {
    this.#options = options;
  }

  sent(method: AnyMethod): void {
    this.#methods.set(method.fullName, method);
  }

  /** An actor with this method has a mailbox that drops messages when it is full. */
  mayDrop(method: AnyMethod): void {
    this.#mayDrop.add(method.fullName);
  }

  deadLetter({ method, message, reason, path }: DeadLetter, node: string): void {
    const known = this.#methods.get(method);
    if (known === undefined) return;
    if (reason === 'overflow' && !this.#mayDrop.has(method)) {
      const text = `${path} has dropped ${method} because its mailbox was full, though it may not`;
      this.#options.violations.add('lost', text);
    }
    // A message that was not returned with its tell.
    const content = message === undefined ? '' : checksumOf(known.request, message);
    const kind = `${node} ${reason} ${method} ${content}`;
    this.#dead.set(kind, (this.#dead.get(kind) ?? 0) + 1);
  }

  /**
   * Accepted tells that were neither handled nor reported, of senders whose process runs. `lasting` are the actors that run, or will after a
   * restart: nobody may report that they have stopped.
   */
  missing(
    sent: readonly Message[],
    receiverOf: (cUid: bigint) => Party | undefined,
    lasting: ReadonlySet<bigint>,
  ): readonly Message[] {
    const dead = new Map(this.#dead);
    return sent.filter((message) => {
      const receiver = receiverOf(message.receiver);
      if (receiver === undefined || !mustBeKnown(message, receiver)) return false;
      return !this.#reportsOf(message, receiver, lasting).some((kind) => takeOne(dead, kind));
    });
  }

  report(missing: readonly Message[]): void {
    for (const sent of missing) {
      const text = `${describe(sent)} was accepted, but neither handled nor reported as a dead letter to its sender`;
      this.#options.violations.add('lost', text);
    }
  }

  /** Where links neither end nor repeat frames: every dead letter is of a tell that was not handled, and there is one of each. */
  checkOnce(sent: readonly Message[], receiverOf: (cUid: bigint) => Party | undefined): void {
    const { network, endsLinks, violations } = this.#options;
    if (endsLinks || network.duplicate > 0 || network.loss > 0) return;
    const dead = new Map(this.#dead);
    for (const message of sent) {
      const receiver = receiverOf(message.receiver);
      if (receiver === undefined || message.deadlineMs !== undefined || message.timesHandled > 0) continue;
      this.#reportsOf(message, receiver, new Set()).some((kind) => takeOne(dead, kind));
    }
    for (const [kind, count] of dead) {
      if (count > 0)
        violations.add('once', `${count} dead letters are of tells that were handled or reported: ${kind}`);
    }
  }

  /** What can be reported of a tell, and where. */
  #reportsOf(
    { sender, receiver: cUid, method, checksum }: Message,
    receiver: Party,
    lasting: ReadonlySet<bigint>,
  ): readonly string[] {
    const ofActor = lasting.has(cUid) ? [] : OF_ACTORS;
    const atSender: readonly DeadLetterReason[] = ['unreachable', 'not taken', ...ofActor];
    const atReceiver: readonly DeadLetterReason[] = ['overflow', ...(this.#options.endsLinks ? ofActor : [])];
    const kinds = (party: Party, reasons: readonly DeadLetterReason[]): string[] =>
      reasons.flatMap((reason) =>
        [checksum, ''].map((content) => `${party.node} ${reason} ${method.fullName} ${content}`),
      );
    return [...kinds(sender, atSender), ...kinds(receiver, atReceiver)];
  }
}

/**
 * A process that has ended may have taken a tell without handling it, and nobody can know. What was sent after its end cannot have been
 * taken.
 */
function mustBeKnown(sent: Message, receiver: Party): boolean {
  const isTell = sent.deadlineMs === undefined;
  if (!isTell || sent.isSettled || sent.timesHandled > 0 || sent.sender.endedMs !== undefined) return false;
  return receiver.endedMs === undefined || sent.sentMs > receiver.endedMs;
}

function takeOne(counts: Map<string, number>, kind: string): boolean {
  const count = counts.get(kind) ?? 0;
  if (count > 0) counts.set(kind, count - 1);
  return count > 0;
}
