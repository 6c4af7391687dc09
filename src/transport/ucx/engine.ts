import type { Entropy, Scheduler } from '../../scheduler/index.js';
import { Offers } from './offer.js';
import { Progress } from './progress.js';
import { Rings } from './rings.js';
import type { UcxLibrary } from './ucx-library.js';

export interface EngineOptions {
  readonly library: UcxLibrary;
  readonly scheduler: Scheduler;
  readonly entropy: Entropy;
  readonly interfaces: readonly string[];
  /** As that of Progress. */
  readonly afterTurn: (hasNews: boolean) => boolean;
}

/** What a transport needs for its links, from the first of them on: rings, what turns them, and how others reach them. */
export class Engine {
  readonly offers: Offers;
  readonly progress: Progress;
  readonly #rings: Rings;

  /** ResourceError where UCX is not, or has no room for rings. */
  constructor({ library, scheduler, entropy, interfaces, afterTurn }: EngineOptions) {
    this.#rings = new Rings(library.load());
    this.progress = new Progress(this.#rings, scheduler, afterTurn);
    this.offers = new Offers(this.#rings, entropy, interfaces);
  }

  close(): void {
    this.progress.close();
    this.#rings.close();
  }
}
