import { limits } from '../../limits.js';
import { v1 } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';

/** Four within the time after which a sender gives up: some may be lost. */
const INTERVAL_MS = limits.readyTimeoutMs / 4;

export interface ReportsTo {
  readonly scheduler: Scheduler;
  sendPressure(message: v1.PressureInit): void;
}

/** Tells a sender that waits for room that the receiver goes on, although there is none yet: now and then, not for each message. */
export class ProgressReports {
  readonly #link: ReportsTo;
  readonly #cUid: bigint;
  #nextMs: number;

  constructor(link: ReportsTo, cUid: bigint) {
    this.#link = link;
    this.#cUid = cUid;
    this.#nextMs = link.scheduler.now() + INTERVAL_MS;
  }

  report(): void {
    const nowMs = this.#link.scheduler.now();
    if (nowMs < this.#nextMs) {
      return;
    }
    this.#nextMs = nowMs + INTERVAL_MS;
    this.#link.sendPressure({ cUid: this.#cUid, level: v1.Pressure_Level.WORKING });
  }
}
