import { v1 } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { ActorNode, DeadLetter } from '../kernel/index.js';
import type { ActorEvents } from './actor-meter.js';
import { Ring } from './ring.js';

/** Events that are kept. */
const KEPT = 500;
const DETAIL_CHARACTERS = 500;

/** The recent events of one partition. Actors of the runtime itself have none, but for failures. */
export class EventLog implements ActorEvents {
  readonly #scheduler: Scheduler;
  readonly #ring = new Ring<v1.LookEvent>(KEPT);

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  get last(): number {
    return this.#ring.last;
  }

  /** The last ones of a subject, or whose detail begins with this name of an rpc, the oldest first. */
  of(subject: string, count: number): readonly v1.LookEvent[] {
    const isOf = (event: v1.LookEvent): boolean => event.subject === subject || event.detail.startsWith(`${subject}:`);
    return this.#ring.after(0).entries.filter(isOf).slice(-count);
  }

  after(number: number): ReturnType<Ring<v1.LookEvent>['after']> {
    return this.#ring.after(number);
  }

  started(actor: ActorNode): void {
    if (!actor.behavior.isOfRuntime) this.#add('started', actor.path, actor.service.typeName);
  }

  stopped(actor: ActorNode): void {
    if (!actor.behavior.isOfRuntime) this.#add('stopped', actor.path, '');
  }

  failed({ path }: ActorNode, error: Error, directive: string): void {
    this.#add('failed', path, `${directive}: ${error.message}`);
  }

  askTimedOut(method: string, target: string, { message }: Error): void {
    this.#add('ask-late', target, `${method}: ${message}`);
  }

  deadLetter({ path, method, reason }: DeadLetter): void {
    this.#add('dead-letter', path, `${method}: ${reason}`);
  }

  linkOpened({ peer, transport, medium }: v1.LinkLook): void {
    this.#add('link-opened', peer, medium === '' ? transport : `${transport} over ${medium}`);
  }

  linkClosed({ peer }: v1.LinkLook): void {
    this.#add('link-closed', peer, '');
  }

  #add(kind: string, subject: string, text: string): void {
    const atMs = this.#scheduler.now();
    const detail = text.slice(0, DETAIL_CHARACTERS);
    this.#ring.add((number) => v1.LookEvent.create({ number, atMs, kind, subject, detail }));
  }
}
