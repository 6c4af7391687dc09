import { namedMessageOf } from '../../foreign.js';
import type { Logger } from '../../logging/index.js';
import type { v1 } from '../../protocol/index.js';
import { ReplicaMirror } from './replica.js';

/** Told of each change of a mirrored resource. */
export interface MirrorListener {
  /** A resource that concerns this process is new or has changed. */
  changed(resource: v1.Resource): void;
  /** A resource was removed. */
  removed(id: number): void;
}

/** Identifies a view: a control plane numbers those that it makes, and one of a later epoch comes after all of an earlier one. */
type ViewId = Pick<v1.Update, 'epoch' | 'view'>;

/**
 * The resources that concern this process, as the updates of the control plane tell them. When the process rejoins, or is too far behind, a new
 * view follows on the old one. What the old one had stays until the new one is complete: nothing seems to end in between. Only pipelines and their parts
 * keep their ids: another control plane may have given that of anything else to another resource.
 */
export class MirroredResources {
  readonly #log: Logger;
  readonly #listener: MirrorListener;
  readonly #resources = new Map<number, v1.Resource>();
  #mirror = new ReplicaMirror();
  #view: ViewId = { epoch: 0, view: 0 };
  /** Resources of earlier views that the present one has not shown yet. */
  #stale = new Set<number>();
  #highestId = 0;

  constructor(log: Logger, listener: MirrorListener) {
    this.#log = log;
    this.#listener = listener;
  }

  /** The highest id of all resources that there have been. */
  get highestId(): number {
    return this.#highestId;
  }

  all(): IterableIterator<v1.Resource> {
    return this.#resources.values();
  }

  get(id: number): v1.Resource | undefined {
    return this.#resources.get(id);
  }

  /** Returns the acknowledgement to send; undefined for an update of an earlier view, to which nobody waits for an answer. */
  apply(update: v1.Update): { readonly nonce: number; readonly view: number } | undefined {
    const order = compare(update, this.#view);
    if (order < 0) return undefined;
    if (order > 0) this.#begin(update);
    if (this.#mirror.accept(update) === 'apply') this.#change(update);
    if (update.isComplete && this.#mirror.nonce >= update.nonce) this.#dropStale();
    return { nonce: this.#mirror.nonce, view: this.#view.view };
  }

  #begin({ epoch, view }: ViewId): void {
    this.#view = { epoch, view };
    this.#mirror = new ReplicaMirror();
    this.#stale = new Set(this.#resources.keys());
  }

  #change({ changed, removed, isSnapshot }: v1.Update): void {
    const gone = isSnapshot ? this.#missingIn(changed) : removed;
    for (const resource of changed) {
      const { id } = resource;
      this.#highestId = Math.max(this.#highestId, id);
      const known = this.#stale.delete(id) ? this.#resources.get(id) : undefined;
      if (known !== undefined && !isSame(known, resource)) this.#remove(id);
      this.#resources.set(id, resource);
      this.#notify(() => this.#listener.changed(resource));
    }
    for (const id of gone) this.#remove(id);
  }

  #missingIn(snapshot: readonly v1.Resource[]): readonly number[] {
    const present = new Set(snapshot.map(({ id }) => id));
    return [...this.#resources.keys()].filter((id) => !present.has(id) && !this.#stale.has(id));
  }

  /** The view is complete: what it has not shown until then has ended. */
  #dropStale(): void {
    for (const id of this.#stale) this.#remove(id);
    this.#stale.clear();
  }

  #remove(id: number): void {
    if (this.#resources.delete(id)) this.#notify(() => this.#listener.removed(id));
  }

  /** A listener that throws must not prevent the rest of an update, nor its acknowledgement. */
  #notify(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#log.error('a listener of the control plane client threw', { error: namedMessageOf(error) });
    }
  }
}

/** What the id means has not changed. */
function isSame({ detail: known }: v1.Resource, { detail }: v1.Resource): boolean {
  switch (known.case) {
    case 'process':
      return detail.case === known.case && detail.value.pUid === known.value.pUid;
    case 'partition':
      return detail.case === known.case && detail.value.ordinal === known.value.ordinal;
    case 'groupMember':
      return (
        detail.case === known.case &&
        detail.value.group === known.value.group &&
        detail.value.ref?.cUid === known.value.ref?.cUid
      );
    default:
      return detail.case === known.case;
  }
}

/** Below 0 when the first is the earlier. */
function compare(one: ViewId, other: ViewId): number {
  return one.epoch - other.epoch || one.view - other.view;
}
