import { ConfigError } from '../../errors.js';
import { ownerOrdinal } from '../../ids/index.js';
import { type Ref, v1 } from '../../protocol/index.js';

interface Holder {
  readonly ref: Ref;
  readonly pUid: bigint;
}

/** Registered names of actors; one actor holds a name at a time. */
export class Names {
  readonly #holders = new Map<string, Holder>();

  /** Throws ConfigError, which names both actors, when another actor has the name. */
  register(pUid: bigint, name: string, ref: Ref): void {
    const holder = this.#holders.get(name);
    if (holder !== undefined && !isSame(holder.ref, ref)) {
      throw new ConfigError(
        `The name "${name}" is taken by ${holder.ref.service} ${holder.ref.cUid} of process ${holder.pUid}. ` +
          `Register ${ref.service} ${ref.cUid} of process ${pUid} under another name.`,
      );
    }
    this.#holders.set(name, { ref, pUid });
  }

  /** Does nothing when another actor has the name by now. */
  unregister(pUid: bigint, name: string, cUid: bigint): void {
    const holder = this.#holders.get(name);
    if (holder?.pUid === pUid && holder.ref.cUid === cUid) {
      this.#holders.delete(name);
    }
  }

  lookup(name: string): Ref | undefined {
    return this.#holders.get(name)?.ref;
  }

  /** Removes the names of a process that has ended. */
  retire(pUid: bigint): void {
    this.#retire((holder) => holder.pUid === pUid);
  }

  /** Removes the names of actors of a partition that has ended. */
  retirePartition(ordinal: number): void {
    this.#retire(({ ref }) => ownerOrdinal(ref.cUid) === ordinal);
  }

  #retire(hasEnded: (holder: Holder) => boolean): void {
    for (const [name, holder] of this.#holders) {
      if (hasEnded(holder)) {
        this.#holders.delete(name);
      }
    }
  }

  list(): v1.NameEntry[] {
    return [...this.#holders].map(([name, { ref }]) => v1.NameEntry.create({ name, ref }));
  }
}

function isSame(one: Ref, other: Ref): boolean {
  return one.cUid === other.cUid && one.incarnation === other.incarnation;
}
