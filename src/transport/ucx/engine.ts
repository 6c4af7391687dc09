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
  /** See Progress. */
  readonly grant: (which: 'urgent' | 'all') => boolean;
}

/** The rings of a transport, their progress loop, and its offers to peers. Made with the first link. */
export class Engine {
  readonly offers: Offers;
  readonly progress: Progress;
  readonly #rings: Rings;

  /** Throws ResourceError if UCX is missing, or cannot make rings. */
  constructor({ library, scheduler, entropy, interfaces, grant }: EngineOptions) {
    this.#rings = new Rings(library.load());
    this.progress = new Progress(this.#rings, scheduler, grant);
    this.offers = new Offers(this.#rings, entropy, interfaces);
  }

  close(): void {
    this.progress.close();
    this.#rings.close();
  }
}
