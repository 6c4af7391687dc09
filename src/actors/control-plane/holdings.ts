import { limits } from '../../limits.js';
import { ownerOrdinal } from '../../ids/index.js';
import { Ref, type RefInit, v1 } from '../../protocol/index.js';
import { type AnnouncedPipelines, HeldPipelines } from './held-pipelines.js';
import type { MirroredResources } from './mirrored-resources.js';

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
  readonly pipelines: HeldPipelines;
  readonly #partitions = new Map<number, v1.AnnouncedPartition>();
  /** Names, and memberships of groups, by name and actor. */
  readonly #names = new Map<string, v1.AnnouncedName>();

  constructor(mirror: MirroredResources) {
    this.pipelines = new HeldPipelines(mirror);
  }

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

  /** Of a partition of this process; undefined for any other, and for one of another `incarnation`, of which 0 may be any. */
  addressOf(ordinal: number, incarnation: bigint): string | undefined {
    if (incarnation !== 0n && incarnation !== this.process?.incarnation) return undefined;
    return this.#partitions.get(ordinal)?.address;
  }

  partitionRetired(ordinal: number): void {
    this.#partitions.delete(ordinal);
    for (const [key, { ref }] of this.#names) {
      if (ref !== undefined && ownerOrdinal(ref.cUid) === ordinal) this.#names.delete(key);
    }
  }

  /** Also of an actor that stands by for the name. */
  registered(entry: v1.AnnouncedNameInit): void {
    const held = v1.AnnouncedName.create(entry);
    if (held.ref !== undefined) this.#names.set(keyOf(held.name, held.ref.cUid), held);
  }

  unregistered(name: string, cUid: bigint): void {
    this.#names.delete(keyOf(name, cUid));
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

  /** See HeldPipelines.announcements. */
  announcedPipelines(): readonly AnnouncedPipelines[] {
    return this.pipelines.announcements(new Set(this.#partitions.keys()));
  }

  /** All names and memberships, in as many requests as they take. */
  names(): readonly (readonly v1.AnnouncedName[])[] {
    const all = [...this.#names.values()];
    const requests: v1.AnnouncedName[][] = [];
    for (let from = 0; from < all.length; from += limits.announcedNames) {
      requests.push(all.slice(from, from + limits.announcedNames));
    }
    return requests;
  }
}

function keyOf(name: string, cUid: bigint): string {
  return `${cUid} ${name}`;
}
