import { limits } from '../../limits.js';
import { RecentMap } from '../../recent-map.js';
import type { v1 } from '../../protocol/index.js';
import { holderKey } from './channel-table.js';

/**
 * Resolves to the address of the partition that has this ordinal and incarnation (0n: any), or to undefined when there is none, which is
 * final: ids are never used twice. Rejects when nobody can be asked.
 */
export type Locate = (ordinal: number, incarnation: bigint) => Promise<string | undefined>;

/** A process that has an ordinal. Both together are never used for another one, and never have another address. */
export interface Holder {
  readonly ordinal: number;
  /** 0n where the reference does not say it. */
  readonly incarnation: bigint;
}

/** Whether a peer that has introduced itself is this holder. Where the reference has no incarnation, any peer is. */
export function isHolder(hello: v1.Hello, { ordinal, incarnation }: Holder): boolean {
  if (incarnation === 0n) return true;
  return hello.incarnation === incarnation && (hello.ordinal ?? ordinal) === ordinal;
}

interface Known {
  readonly address: string;
  /** What its partition is called; empty where that is not known. */
  readonly name: string;
  /** The control plane has said it. Otherwise a peer has said it of itself. */
  readonly isLocated: boolean;
}

/**
 * Where other partitions listen: those that the control plane has located, and those that have introduced themselves. So a link to them needs
 * no control plane, and the end of one of them is noticed without it. Past `peerAddresses` the one that was used least recently is forgotten.
 */
export class PeerAddresses {
  readonly #locate: Locate;
  readonly #known = new RecentMap<string, Known>(limits.peerAddresses);
  readonly #confirming = new Map<string, Promise<void>>();

  constructor(locate: Locate) {
    this.#locate = locate;
  }

  get size(): number {
    return this.#known.size;
  }

  /** A peer has said who it is, and where it listens. */
  introduced(holder: Holder, address: string, name: string): void {
    const before = this.#known.get(holderKey(holder.ordinal, holder.incarnation));
    this.#keep(holder, before?.isLocated === true ? { ...before, name } : { address, name, isLocated: false });
  }

  /** What the partition is called; empty where that is not known. */
  nameOf({ ordinal, incarnation }: Holder): string {
    return this.#known.get(holderKey(ordinal, incarnation))?.name ?? '';
  }

  /** Resolves to undefined when the process has ended. Rejects when the address is not known, and nobody can be asked. */
  async find(holder: Holder): Promise<string | undefined> {
    const known = this.#known.get(holderKey(holder.ordinal, holder.incarnation));
    if (known === undefined) return this.#ask(holder);
    this.#keep(holder, known);
    return known.address;
  }

  /**
   * The process does not listen at this address. Returns true where it is certain that the process has ended: the control plane has said that this is
   * its address. Otherwise only a peer has said so, or it is forgotten who did: the control plane is asked, and `gone` is called if it
   * says the same, or that there is no such process.
   */
  missed(holder: Holder, missed: string, gone: () => void): boolean {
    // The control plane was asked for this attempt.
    if (holder.incarnation === 0n) return true;
    const key = holderKey(holder.ordinal, holder.incarnation);
    const known = this.#known.get(key);
    if (known?.isLocated === true && known.address === missed) return true;
    if (!this.#confirming.has(key)) {
      const confirmed = this.#ask(holder)
        .then(
          (address) => {
            if (address === undefined || address === missed) gone();
          },
          // Nobody can be asked now. The next attempt that fails asks again.
          () => {},
        )
        .finally(() => this.#confirming.delete(key));
      this.#confirming.set(key, confirmed);
    }
    return false;
  }

  /** Resolves when the control plane has said, or cannot be asked, whether a process ends that was missed at its address. */
  async confirmed({ ordinal, incarnation }: Holder): Promise<void> {
    await this.#confirming.get(holderKey(ordinal, incarnation));
  }

  async #ask(holder: Holder): Promise<string | undefined> {
    const address = await this.#locate(holder.ordinal, holder.incarnation);
    if (address !== undefined) this.#keep(holder, { address, name: this.nameOf(holder), isLocated: true });
    return address;
  }

  /** The newest entry is the last. Without an incarnation, the address could become that of another process. */
  #keep({ ordinal, incarnation }: Holder, known: Known): void {
    if (incarnation === 0n || known.address === '') return;
    this.#known.set(holderKey(ordinal, incarnation), known);
  }
}
