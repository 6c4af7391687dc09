import { limits } from '../../limits.js';
import { ownerOrdinal } from '../../ids/index.js';
import { Ref, type RefInit, v1 } from '../../protocol/index.js';

/** What a process states about itself when it connects. */
export type ConnectingProcess = Omit<v1.ConnectProcessInit, 'tag' | 'secret'>;

/**
 * What the control plane knows of this process, kept by the process itself: its ids, partitions, names, and groups. It is announced to a
 * control plane that has started anew, or that has taken this process for ended.
 */
export class Holdings {
  /** Undefined before the process has connected. */
  process: v1.ConnectProcessInit | undefined;
  pUid = 0n;
  readonly groups = new Set<string>();
  readonly #partitions = new Map<number, v1.AnnouncedPartition>();
  readonly #names = new Map<string, Ref>();
  /** By group and actor. */
  readonly #members = new Map<string, v1.NameEntry>();

  partitionsRegistered(addresses: readonly string[], ordinals: readonly number[]): void {
    ordinals.forEach((ordinal, index) =>
      this.#partitions.set(ordinal, v1.AnnouncedPartition.create({ ordinal, address: addresses[index] ?? '' })),
    );
  }

  partitionActive(ordinal: number, segmentsManager: RefInit | undefined): void {
    const partition = this.#partitions.get(ordinal);
    if (partition === undefined || segmentsManager === undefined) return;
    this.#partitions.set(ordinal, { ...partition, segmentsManager: Ref.create(segmentsManager) });
  }

  /** All partitions that were registered are active; the segments managers are in the order in which they were. */
  active(segmentsManagers: readonly RefInit[]): void {
    [...this.#partitions.keys()].forEach((ordinal, index) => this.partitionActive(ordinal, segmentsManagers[index]));
  }

  partitionRetired(ordinal: number): void {
    this.#partitions.delete(ordinal);
    for (const [name, { cUid }] of this.#names) if (ownerOrdinal(cUid) === ordinal) this.#names.delete(name);
    for (const [key, { ref }] of this.#members) {
      if (ref !== undefined && ownerOrdinal(ref.cUid) === ordinal) this.#members.delete(key);
    }
  }

  registered(name: string, ref: RefInit, isGroup: boolean): void {
    const held = Ref.create(ref);
    if (isGroup) this.#members.set(memberKey(name, held.cUid), v1.NameEntry.create({ name, ref: held, isGroup }));
    else this.#names.set(name, held);
  }

  unregistered(name: string, cUid: bigint, isGroup: boolean): void {
    if (isGroup) this.#members.delete(memberKey(name, cUid));
    else if (this.#names.get(name)?.cUid === cUid) this.#names.delete(name);
  }

  announcement(server: v1.ServerIdentityInit, client: Ref | undefined, highestResource: number): v1.AnnouncementInit {
    return {
      process: v1.ConnectProcess.create(this.process),
      pUid: this.pUid,
      server: v1.ServerIdentity.create(server),
      partitions: [...this.#partitions.values()],
      client,
      highestResource,
    };
  }

  /** All names and memberships, in as many requests as they take. */
  names(): readonly (readonly v1.NameEntry[])[] {
    const all = [
      ...[...this.#names].map(([name, ref]) => v1.NameEntry.create({ name, ref })),
      ...this.#members.values(),
    ];
    const requests: v1.NameEntry[][] = [];
    for (let from = 0; from < all.length; from += limits.announcedNames) {
      requests.push(all.slice(from, from + limits.announcedNames));
    }
    return requests;
  }
}

function memberKey(name: string, cUid: bigint): string {
  return `${cUid} ${name}`;
}
