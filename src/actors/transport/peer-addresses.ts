import { limits } from '../../limits.js';
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
  /** The control plane has said it. Otherwise a peer has said it of itself. */
  readonly isLocated: boolean;
}

/**
 * Where other partitions listen: those that the control plane has located, and those that have introduced themselves. So a link to them needs
 * no control plane, and the end of one of them is noticed without it. Past `peerAddresses` the one that was used least recently is forgotten.
 */
export class PeerAddresses {
  readonly #locate: Locate;
  readonly #known = new Map<string, Known>();
  readonly #confirming = new Set<string>();

  constructor(locate: Locate) {
    this.#locate = locate;
  }

  get size(): number {
    return this.#known.size;
  }

  /** A peer has said who it is, and where it listens. */
  introduced(holder: Holder, address: string): void {
    const before = this.#known.get(holderKey(holder.ordinal, holder.incarnation));
    if (before?.isLocated !== true) this.#keep(holder, { address, isLocated: false });
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
      this.#confirming.add(key);
      this.#ask(holder)
        .then(
          (address) => {
            if (address === undefined || address === missed) gone();
          },
          // Nobody can be asked now. The next attempt that fails asks again.
          () => {},
        )
        .finally(() => this.#confirming.delete(key));
    }
    return false;
  }

  async #ask(holder: Holder): Promise<string | undefined> {
    const address = await this.#locate(holder.ordinal, holder.incarnation);
    if (address !== undefined) this.#keep(holder, { address, isLocated: true });
    return address;
  }

  /** The newest entry is the last. Without an incarnation, the address could become that of another process. */
  #keep({ ordinal, incarnation }: Holder, known: Known): void {
    if (incarnation === 0n || known.address === '') return;
    const key = holderKey(ordinal, incarnation);
    this.#known.delete(key);
    this.#known.set(key, known);
    if (this.#known.size <= limits.peerAddresses) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }
}
