import { limits } from '../../../limits.js';
import { type AnyService, decode, encode, type v1 } from '../../../protocol/index.js';
import type { Scheduler } from '../../../scheduler/index.js';
import type { ActorRef, ActorSystem, DeadLetter, DeadLetterReason, UntypedRef } from '../../kernel/index.js';

interface Addressee {
  readonly id: number;
  readonly service: AnyService;
  readonly placer: ActorRef<typeof v1.Placer>;
}

export interface LettersOptions {
  readonly system: ActorSystem;
  readonly scheduler: Scheduler;
  readonly ordinal: () => number;
}

/** Sends the dead letters of placed actors to those who have placed them: at most `placedDeadLetters` a second. */
export class Letters {
  readonly #options: LettersOptions;
  /** By the path of the actor, and by what a letter from a link calls it when it has ended. */
  readonly #addressees = new Map<string, Addressee>();
  #unsubscribe: (() => void) | undefined;
  #secondMs = 0;
  #sent = 0;

  constructor(options: LettersOptions) {
    this.#options = options;
  }

  follow(ref: UntypedRef, addressee: Addressee): void {
    this.#unsubscribe ??= this.#options.system.deadLetters.subscribe((letter) => this.#send(letter));
    for (const name of this.#namesOf(ref)) this.#addressees.set(name, addressee);
  }

  /** The actor has ended long ago. */
  forget(ref: UntypedRef): void {
    for (const name of this.#namesOf(ref)) this.#addressees.delete(name);
  }

  close(): void {
    this.#unsubscribe?.();
    this.#addressees.clear();
  }

  #namesOf(ref: UntypedRef): readonly string[] {
    return [`${this.#options.system.name}/${ref.name}`, `actor ${ref.toRef().cUid}`];
  }

  #send({ path, method, message, reason }: DeadLetter): void {
    // Children belong to the placed actor.
    const root = path.split('/', 2).join('/');
    const addressee = this.#addressees.get(root);
    if (addressee === undefined || !this.#mayBeSent()) return;
    const { placer, id, service } = addressee;
    const bytes = message === undefined ? undefined : encoded(service, method, message);
    placer.deadLetter({ id, ordinal: this.#options.ordinal(), path, method, reason, message: bytes });
  }

  #mayBeSent(): boolean {
    const nowMs = this.#options.scheduler.now();
    if (nowMs - this.#secondMs >= 1_000) [this.#secondMs, this.#sent] = [nowMs, 0];
    return ++this.#sent <= limits.placedDeadLetters;
  }
}

/** The letter that was sent; its message is undefined where it is none of `service`, such as that of a child. */
export function letterFrom(sent: v1.PlacedDeadLetter, service: AnyService | undefined): DeadLetter {
  const { path, method, message } = sent;
  const type = service && requestOf(service, method);
  return {
    path,
    method,
    message: type === undefined || message === undefined ? undefined : decode(type, message),
    reason: reasonOf(sent.reason),
  };
}

function encoded(service: AnyService, method: string, message: unknown): Uint8Array | undefined {
  const type = requestOf(service, method);
  return type && encode(type, message);
}

function requestOf({ methods }: AnyService, method: string) {
  return Object.values(methods).find(({ fullName }) => fullName === method)?.request;
}

const REASONS: readonly DeadLetterReason[] = ['stopped', 'unreachable', 'overflow', 'unknown method'];

function reasonOf(text: string): DeadLetterReason {
  return REASONS.find((reason) => reason === text) ?? 'stopped';
}
