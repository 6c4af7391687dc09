import { BackpressureError, ConfigError, ProtocolError } from '../../errors.js';
import { ownerOrdinal } from '../../ids/index.js';
import { limits } from '../../limits.js';
import { type Ref, v1 } from '../../protocol/index.js';

interface Holder {
  readonly ref: Ref;
  readonly pUid: bigint;
}

/** Registered names of actors; one actor holds a name at a time. A process may register a bounded number. */
export class Names {
  readonly #holders = new Map<string, Holder>();
  readonly #byProcess = new Map<bigint, Set<string>>();

  /**
   * Throws ConfigError, which names both actors, when another actor has the name; BackpressureError when the process has `processNames`;
   * ProtocolError for a name that is too long.
   */
  register(pUid: bigint, name: string, ref: Ref): void {
    assertNameLength(name);
    const holder = this.#holders.get(name);
    if (holder !== undefined && !isSame(holder.ref, ref)) {
      throw new ConfigError(
        `The name "${name}" is taken by ${holder.ref.service} ${holder.ref.cUid} of process ${holder.pUid}. ` +
          `Register ${ref.service} ${ref.cUid} of process ${pUid} under another name.`,
      );
    }
    const own = this.#byProcess.get(pUid) ?? new Set();
    if (own.size >= limits.processNames && !own.has(name)) {
      throw new BackpressureError(`Process ${pUid} has registered ${own.size} names already (limit processNames).`);
    }
    if (holder !== undefined) this.#remove(name, holder);
    this.#holders.set(name, { ref, pUid });
    this.#byProcess.set(pUid, own.add(name));
  }

  /** Does nothing when another actor has the name by now. */
  unregister(pUid: bigint, name: string, cUid: bigint): void {
    const holder = this.#holders.get(name);
    if (holder?.pUid === pUid && holder.ref.cUid === cUid) {
      this.#remove(name, holder);
    }
  }

  lookup(name: string): Ref | undefined {
    return this.#holders.get(name)?.ref;
  }

  /** Removes the names of a process that has ended. */
  retire(pUid: bigint): void {
    for (const name of this.#byProcess.get(pUid) ?? []) this.#holders.delete(name);
    this.#byProcess.delete(pUid);
  }

  /** Removes the names of actors of a partition of a process, which has ended. */
  retirePartition(pUid: bigint, ordinal: number): void {
    for (const name of this.#byProcess.get(pUid) ?? []) {
      const holder = this.#holders.get(name);
      if (holder !== undefined && ownerOrdinal(holder.ref.cUid) === ordinal) this.#remove(name, holder);
    }
  }

  list(): v1.NameEntry[] {
    return [...this.#holders].map(([name, { ref }]) => v1.NameEntry.create({ name, ref }));
  }

  #remove(name: string, { pUid }: Holder): void {
    this.#holders.delete(name);
    const own = this.#byProcess.get(pUid);
    own?.delete(name);
    if (own?.size === 0) this.#byProcess.delete(pUid);
  }
}

/** Throws ProtocolError for a name that is longer than `nameCharacters`. */
export function assertNameLength(name: string): void {
  if (name.length > limits.nameCharacters) {
    throw new ProtocolError(`A name of ${name.length} characters is too long: the limit is ${limits.nameCharacters}.`);
  }
}

function isSame(one: Ref, other: Ref): boolean {
  return one.cUid === other.cUid && one.incarnation === other.incarnation;
}
