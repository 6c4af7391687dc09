import type { v1 } from '../../protocol/index.js';
import { ActorList } from './actor-list.js';
import { Differences } from './differences.js';

/** What one watcher has been told. */
export class Watch {
  readonly actors = new Differences<string, v1.ActorLook>(({ path }) => path);
  readonly links = new Differences<number, v1.LinkLook>(({ id }) => id);
  readonly list = new ActorList();
  /** Number of the last event that it knows. */
  lastEvent: number;
  nonce = 0;
  lastHeardMs: number;

  constructor(lastEvent: number, nowMs: number) {
    this.lastEvent = lastEvent;
    this.lastHeardMs = nowMs;
  }

  /** The watcher has got another answer than the last: it is told everything again. True when it was told everything before, and has that. */
  follows(nonce: number): boolean {
    if (nonce !== 0 && nonce === this.nonce) return true;
    this.actors.forget();
    this.links.forget();
    return false;
  }
}
