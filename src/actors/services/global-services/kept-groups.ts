import type { ClusterStore } from '../../../cluster-store/index.js';
import { CapacityError, ConfigError, UnreachableError } from '../../../errors.js';
import { messageOf } from '../../../foreign.js';
import { limits } from '../../../limits.js';
import { decode, encode, v1 } from '../../../protocol/index.js';

/** The key of the cluster store that has the groups of processes of a run. */
export const GROUPS_KEY = 'process-groups';

/** Attempts to write: the last write of the global services before may come first. */
const ATTEMPTS = 5;

/** The groups of a run in its cluster store. They are written before the request that changes them is answered. */
export class GroupKeeper {
  readonly #store: ClusterStore;
  readonly #run: string;
  #revision: number | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(store: ClusterStore, run: string) {
    this.#store = store;
    this.#run = run;
  }

  /** Undefined where nobody has written any for this run. Rejects with ConfigError for a value that has no groups. */
  async read(): Promise<v1.KeptGroups | undefined> {
    const entry = await this.#store.get(GROUPS_KEY);
    this.#revision = entry?.revision;
    if (entry === undefined) return undefined;
    try {
      const kept = decode(v1.KeptGroups, entry.value);
      return kept.run === this.#run ? kept : undefined;
    } catch (cause) {
      throw new ConfigError(
        `The key "${GROUPS_KEY}" of ${this.#store.address} has no groups: ${messageOf(cause)}. Remove the store while no run uses it.`,
        { cause },
      );
    }
  }

  /** Rejects with CapacityError where they are too large for the store, and with UnreachableError where it cannot be written. */
  write(groups: () => v1.KeptGroupsInit): Promise<void> {
    const work = this.#writing.then(() => this.#write(encode(v1.KeptGroups, { ...groups(), run: this.#run })));
    this.#writing = work.catch(() => {});
    return work;
  }

  async #write(value: Uint8Array): Promise<void> {
    const { address } = this.#store;
    if (value.byteLength > limits.storeValueBytes) {
      throw new CapacityError(
        `The groups of this run have ${value.byteLength} bytes, and ${address} takes ${limits.storeValueBytes} (limit storeValueBytes): destroy some first.`,
      );
    }
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const set = await this.#store.compareAndSet(GROUPS_KEY, value, this.#revision);
      this.#revision = set.isSet ? set.revision : set.entry?.revision;
      if (set.isSet) return;
    }
    throw new UnreachableError(`Others write the groups of ${address}, too: give each run a cluster store of its own.`);
  }
}
