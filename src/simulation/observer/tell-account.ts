import type { DeadLetter } from '../../actors/kernel/index.js';
import type { AnyMethod } from '../../protocol/index.js';
import type { Violations } from '../violation.js';
import { checksumOf } from './comparison.js';
import { describe, type Message, type Party } from './message.js';

/**
 * The account of all tells: what was accepted was handled or reported. A report is a dead letter, at the sender or the receiver. Dead
 * letters are matched by method and content, so tells with equal contents are counted together.
 */
export class TellAccount {
  readonly #violations: Violations;
  readonly #methods = new Map<string, AnyMethod>();
  /** Full names of the methods of behaviors that have chosen to drop messages. */
  readonly #mayDrop = new Set<string>();
  readonly #dead = new Map<string, number>();
  /** Those of actors that had stopped. */
  readonly #stopped = new Map<string, number>();

  constructor(violations: Violations) {
    this.#violations = violations;
  }

  sent(method: AnyMethod): void {
    this.#methods.set(method.fullName, method);
  }

  /** An actor with this method has a mailbox that drops messages when it is full. */
  mayDrop(method: AnyMethod): void {
    this.#mayDrop.add(method.fullName);
  }

  deadLetter({ method, message, reason, path }: DeadLetter): void {
    const known = this.#methods.get(method);
    if (known === undefined) return;
    if (reason === 'overflow' && !this.#mayDrop.has(method)) {
      this.#violations.add('lost', `${path} has dropped ${method} because its mailbox was full, though it may not`);
    }
    // A message to an actor that has ended is not decoded.
    const kind = message === undefined ? method : `${method}/${checksumOf(known.request, message)}`;
    const counts = reason === 'stopped' ? this.#stopped : this.#dead;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
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
    const stopped = new Map(this.#stopped);
    return sent.filter((message) => {
      if (!mustBeKnown(message, receiverOf(message.receiver))) return false;
      const kinds = [`${message.method.fullName}/${message.checksum}`, message.method.fullName];
      const mayHaveStopped = !lasting.has(message.receiver);
      return !kinds.some((kind) => takeOne(dead, kind) || (mayHaveStopped && takeOne(stopped, kind)));
    });
  }

  report(missing: readonly Message[]): void {
    for (const sent of missing) {
      this.#violations.add('lost', `${describe(sent)} was accepted, but neither handled nor reported as a dead letter`);
    }
  }
}

/**
 * A process that has ended may have taken a tell without handling it, and nobody can know. What was sent after its end cannot have been
 * taken.
 */
function mustBeKnown(sent: Message, receiver: Party | undefined): boolean {
  const isTell = sent.deadlineMs === undefined;
  if (!isTell || sent.isSettled || sent.timesHandled > 0 || sent.sender.endedMs !== undefined) return false;
  return receiver !== undefined && (receiver.endedMs === undefined || sent.sentMs > receiver.endedMs);
}

function takeOne(counts: Map<string, number>, kind: string): boolean {
  const count = counts.get(kind) ?? 0;
  if (count > 0) counts.set(kind, count - 1);
  return count > 0;
}
