import { RecentMap } from '../../recent-map.js';

/** The ids that were added last, on a link that may lose and double frames: the peer may still send messages about them. */
export class RecentIds {
  readonly #ids: RecentMap<number, true>;

  /** Keeps so many ids. */
  constructor(kept: number) {
    this.#ids = new RecentMap(kept);
  }

  has(id: number): boolean {
    return this.#ids.has(id);
  }

  /** False for an id that is known. */
  add(id: number): boolean {
    if (this.#ids.has(id)) return false;
    this.#ids.set(id, true);
    return true;
  }

  clear(): void {
    this.#ids.clear();
  }
}
