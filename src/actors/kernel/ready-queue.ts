import type { Scheduler } from '../../scheduler/index.js';

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * The callers of `ready()` of one target, woken in the order in which they came. The next one is woken after the event loop had its turn,
 * and only while there is room: if all were woken together, the first would take all the room each time. One that is woken and sends
 * nothing holds up nobody.
 */
export class ReadyQueue {
  private waiters: Waiter[] = [];
  private isWaking = false;
  private readonly scheduler: Scheduler;
  private readonly hasRoom: () => boolean;

  constructor(scheduler: Scheduler, hasRoom: () => boolean) {
    this.scheduler = scheduler;
    this.hasRoom = hasRoom;
  }

  get size(): number {
    return this.waiters.length;
  }

  wait(): Promise<void> {
    return new Promise((resolve, reject) => this.waiters.push({ resolve, reject }));
  }

  /** There may be room now. */
  wake(): void {
    if (!this.isWaking && this.waiters.length > 0) this.wakeNext();
  }

  reject(error: Error): void {
    for (const { reject } of this.waiters.splice(0)) reject(error);
  }

  private wakeNext(): void {
    this.isWaking = false;
    if (this.waiters.length === 0 || !this.hasRoom()) return;
    this.waiters.shift()?.resolve();
    if (this.waiters.length === 0) return;
    this.isWaking = true;
    this.scheduler.scheduleYield(() => this.wakeNext());
  }
}
