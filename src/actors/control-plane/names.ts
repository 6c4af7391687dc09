import { ConfigError } from '../../errors.js';
import { ownerOrdinal } from '../../ids/index.js';
import { type Ref, v1 } from '../../protocol/index.js';

interface Holder {
  readonly ref: Ref;
  readonly pUid: bigint;
}

/** Names of actors, each held by one at a time. */
export class Names {
  readonly #holders = new Map<string, Holder>();

  /** ConfigError that names both holders when another actor has the name. */
  register(pUid: bigint, name: string, ref: Ref): void {
    const holder = this.#holders.get(name);
    if (holder !== undefined && !isSame(holder.ref, ref)) {
      throw new ConfigError(
        `The name "${name}" is taken by ${holder.ref.service} ${holder.ref.cUid} of process ${holder.pUid}; ` +
          `${ref.service} ${ref.cUid} of process ${pUid} needs another.`,
      );
    }
    this.#holders.set(name, { ref, pUid });
  }

  /** A name that another actor has by now stays its. */
  unregister(pUid: bigint, name: string, cUid: bigint): void {
    const holder = this.#holders.get(name);
    if (holder?.pUid === pUid && holder.ref.cUid === cUid) {
      this.#holders.delete(name);
    }
  }

  lookup(name: string): Ref | undefined {
    return this.#holders.get(name)?.ref;
  }

  /** The process has ended. */
  retire(pUid: bigint): void {
    this.#retire((holder) => holder.pUid === pUid);
  }

  /** The partition has ended. */
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
