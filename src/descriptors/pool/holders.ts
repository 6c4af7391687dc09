import type { Logger } from '../../logging/index.js';
import type { Arena } from '../memory/index.js';
import { Block, type BlockLocation, type BlockMemory, type HandleUse } from './block.js';
import { type Origin, originText } from './origins.js';
import type { Place } from './segment.js';

/** Origins that an error names. */
const NAMED_ORIGINS = 5;

/** Who holds blocks of a pool: those that were made in one place, together. */
export interface BlockHolder {
  /** What `allocate` was told, or the line of the program that called it. */
  readonly origin: string;
  readonly blocks: number;
  readonly sizeBytes: number;
  /** Age of the oldest of them. */
  readonly ageMs: number;
}

/** The blocks of a pool that are in use, and the alarm for handles that were lost without `dispose`. */
export class Holders {
  readonly #live = new Map<Place, LiveBlock>();
  readonly #now: () => number;
  readonly #freed: (place: Place) => void;
  readonly #lost: FinalizationRegistry<LiveBlock>;
  #leaks = 0;
  #sizeBytes = 0;

  /** `freed` gets the place of a block whose last handle was disposed. */
  constructor(now: () => number, log: Logger, freed: (place: Place) => void) {
    this.#now = now;
    this.#freed = freed;
    this.#lost = new FinalizationRegistry(({ origin, location: { sizeBytes } }) => {
      this.#leaks += 1;
      log.warn('a block was lost without dispose: its memory cannot be used again', {
        sizeBytes,
        origin: originText(origin),
      });
    });
  }

  /** Handles that the garbage collector found, and nobody had disposed. */
  get leaks(): number {
    return this.#leaks;
  }

  get blocks(): number {
    return this.#live.size;
  }

  /** Bytes that were asked for. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** The first handle of a new block. */
  open(place: Place, location: BlockLocation, origin: Origin): Block {
    const closed = (): void => {
      this.#live.delete(place);
      this.#sizeBytes -= location.sizeBytes;
      this.#freed(place);
    };
    const block = new LiveBlock(place, location, origin, this.#now(), this.#lost, closed);
    this.#live.set(place, block);
    this.#sizeBytes += location.sizeBytes;
    return block.open('watched');
  }

  /** One more handle of the block at this place. */
  share(place: Place): Block | undefined {
    return this.#live.get(place)?.open('watched');
  }

  /** Those who hold most, first. */
  list(): readonly BlockHolder[] {
    const groups = new Map<string, BlockHolder>();
    for (const { origin, location, madeAtMs } of this.#live.values()) {
      const text = originText(origin);
      const group = groups.get(text) ?? { origin: text, blocks: 0, sizeBytes: 0, ageMs: 0 };
      groups.set(text, {
        origin: text,
        blocks: group.blocks + 1,
        sizeBytes: group.sizeBytes + location.sizeBytes,
        ageMs: Math.max(group.ageMs, this.#now() - madeAtMs),
      });
    }
    return [...groups.values()].sort((left, right) => right.sizeBytes - left.sizeBytes);
  }

  /** The list as text for an error. */
  describe(): string {
    const list = this.list();
    const shown = list
      .slice(0, NAMED_ORIGINS)
      .map(
        ({ origin, blocks, sizeBytes, ageMs }) =>
          `${blocks} of ${sizeBytes} bytes from ${origin} (${Math.round(ageMs)} ms)`,
      );
    if (list.length > shown.length) shown.push(`${list.length - shown.length} more`);
    return shown.length === 0 ? 'no block is in use' : `blocks in use: ${shown.join('; ')}`;
  }
}

class LiveBlock implements BlockMemory {
  readonly place: Place;
  readonly location: BlockLocation;
  readonly origin: Origin;
  readonly madeAtMs: number;
  readonly #lost: FinalizationRegistry<LiveBlock>;
  readonly #closed: () => void;
  #handles = 0;

  constructor(
    place: Place,
    location: BlockLocation,
    origin: Origin,
    madeAtMs: number,
    lost: FinalizationRegistry<LiveBlock>,
    closed: () => void,
  ) {
    this.place = place;
    this.location = location;
    this.origin = origin;
    this.madeAtMs = madeAtMs;
    this.#lost = lost;
    this.#closed = closed;
  }

  get arena(): Arena {
    return this.place.segment.arena;
  }

  open(use: HandleUse): Block {
    const handle = new Block(this);
    this.#handles += 1;
    if (use === 'watched') this.#lost.register(handle, this, handle);
    return handle;
  }

  close(handle: Block): void {
    this.#lost.unregister(handle);
    this.#handles -= 1;
    if (this.#handles === 0) this.#closed();
  }
}
