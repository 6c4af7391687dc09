import type { v1 } from '../../protocol/index.js';
import { eventLoopTime, type Scheduler } from '../../scheduler/index.js';
import type { ActorSystem } from '../kernel/index.js';
import { ActorMeter } from './actor-meter.js';
import { EventLog } from './event-log.js';
import type { LinkLooks } from './link-looks.js';

/** What is measured and kept of one partition while somebody watches it. */
export class Measurement {
  readonly meter: ActorMeter;
  readonly events: EventLog;
  readonly #scheduler: Scheduler;
  readonly #atFirst: { readonly activeMs: number; readonly idleMs: number };
  readonly #end: () => void;
  #openLinks = new Map<number, v1.LinkLook>();

  constructor(system: ActorSystem, scheduler: Scheduler, links: LinkLooks) {
    this.events = new EventLog(scheduler);
    this.meter = new ActorMeter(this.events, () => scheduler.now());
    this.#scheduler = scheduler;
    this.#atFirst = eventLoopTime(scheduler);
    this.#openLinks = openOf(links.read());
    const unsubscribe = system.deadLetters.subscribe((letter) => this.events.deadLetter(letter));
    system.observe(this.meter);
    this.#end = () => {
      system.observe(undefined);
      unsubscribe();
    };
  }

  /** Time in ms of the event loop since the measurement began. */
  loop(): { readonly activeMs: number; readonly idleMs: number } {
    const { activeMs, idleMs } = eventLoopTime(this.#scheduler);
    return { activeMs: activeMs - this.#atFirst.activeMs, idleMs: idleMs - this.#atFirst.idleMs };
  }

  /** Adds events for the links that have opened and closed since the call before. */
  compareLinks(links: readonly v1.LinkLook[]): void {
    const now = openOf(links);
    for (const [id, link] of now) if (!this.#openLinks.has(id)) this.events.linkOpened(link);
    for (const [id, link] of this.#openLinks) if (!now.has(id)) this.events.linkClosed(link);
    this.#openLinks = now;
  }

  close(): void {
    this.#end();
  }
}

function openOf(links: readonly v1.LinkLook[]): Map<number, v1.LinkLook> {
  return new Map(links.filter(({ isOpen }) => isOpen).map((link) => [link.id, link]));
}
