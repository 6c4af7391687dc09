import type { ActorRef } from '../actors/kernel/index.js';
import { messageOf } from '../foreign.js';
import type { v1 } from '../protocol/index.js';
import type { ActorShown, EventShown, LinkShown, PartitionShown, PoolShown } from './cluster-view.js';

/** What is known of a partition before it is asked. */
export interface FoundPartition {
  readonly ordinal: number;
  readonly incarnation: bigint;
  readonly address: string;
  readonly node: string;
  readonly process: string;
}

export type LookFor = Pick<v1.LookRequestInit, 'filter' | 'limit' | 'order' | 'withRuntime'>;

const MS = 1_000;

/** One partition, as its watch has told so far: applies the differences, and computes rates between two answers. */
export class WatchedPartition {
  readonly found: FoundPartition;
  readonly actor: ActorRef<typeof v1.Introspection>;
  readonly #watch: bigint;
  readonly #actors = new Map<string, ActorShown>();
  readonly #links = new Map<number, LinkShown>();
  readonly #segments = new Map<
    number,
    v1.SegmentDescription & { readonly readRate: number; readonly writeRate: number }
  >();
  #last: v1.PartitionLook | undefined;
  #silence: string | undefined;
  #messageRate = 0;
  #load = 0;

  constructor(found: FoundPartition, actor: ActorRef<typeof v1.Introspection>, watch: bigint) {
    this.found = found;
    this.actor = actor;
    this.#watch = watch;
  }

  /** Undefined while it answers. */
  get silence(): string | undefined {
    return this.#silence;
  }

  segment(id: number) {
    return this.#segments.get(id);
  }

  /** Asks the partition, and resolves to what has happened in it, by the clock of the watcher. Never rejects. */
  async refresh(lookFor: LookFor, timeoutMs: number, now: () => number): Promise<readonly EventShown[]> {
    try {
      const look = await this.actor.look(
        { ...lookFor, watch: this.#watch, nonce: this.#last?.nonce ?? 0 },
        { timeoutMs },
      );
      this.#silence = undefined;
      const events = this.#eventsOf(look, now());
      this.#apply(look);
      return events;
    } catch (error) {
      this.#silence = messageOf(error);
      return [];
    }
  }

  /** Does not wait: a watch that is not ended expires. */
  end(): void {
    this.actor.endWatch({ watch: this.#watch }, { timeoutMs: MS }).catch(() => {});
  }

  shown(): PartitionShown {
    const { ordinal, node, process, address } = this.found;
    const { partition, activity, actorsFound = 0, problems = [] } = this.#last ?? {};
    const { owned } = partition?.ledger ?? {};
    return {
      ordinal,
      node,
      process,
      address,
      index: partition?.index ?? 0,
      silence: this.#silence,
      problems,
      actorCount: partition?.actors ?? 0,
      messageRate: this.#messageRate,
      queued: activity?.queued ?? 0,
      failures: activity?.failures ?? 0,
      restarts: activity?.restarts ?? 0,
      deadLetters: partition?.deadLetters ?? 0,
      pendingAsks: activity?.pendingAsks ?? 0,
      openStreams: activity?.openStreams ?? 0,
      load: this.#load,
      cpus: partition?.cpus ?? [],
      actorsFound,
      actors: [...this.#actors.values()],
      links: [...this.#links.values()],
      pools: (partition?.pools ?? []).map(poolShown),
      lent: { values: owned?.values ?? 0, sizeBytes: owned?.sizeBytes ?? 0 },
    };
  }

  #apply(look: v1.PartitionLook): void {
    const last = this.#last;
    const seconds = last === undefined ? 0 : (look.nowMs - last.nowMs) / MS;
    const rate = (before: number | undefined, now: number): number =>
      before === undefined || seconds <= 0 ? 0 : Math.max(0, now - before) / seconds;
    this.#messageRate = rate(last?.partition?.messages, look.partition?.messages ?? 0);
    this.#load = loadOf(last?.activity, look.activity);
    this.#applyActors(look, rate);
    this.#applyLinks(look, rate);
    this.#applySegments(look, rate);
    this.#last = look;
  }

  #applyActors({ actors, actorsGone, isWhole }: v1.PartitionLook, rate: Rate): void {
    const changed = new Set(actors.map(({ path }) => path));
    const listed = isWhole ? changed : undefined;
    for (const path of actorsGone) this.#actors.delete(path);
    for (const [path, actor] of this.#actors) {
      if (listed?.has(path) === false) this.#actors.delete(path);
      else if (!changed.has(path) && actor.rate + actor.work > 0)
        this.#actors.set(path, { ...actor, rate: 0, work: 0 });
    }
    for (const { busyMs, ...actor } of actors) {
      const before = this.#actors.get(actor.path);
      const work = Math.min(1, rate(before && this.#busyMs.get(actor.path), busyMs) / MS);
      this.#actors.set(actor.path, { ...actor, rate: rate(before?.handled, actor.handled), work });
      this.#busyMs.set(actor.path, busyMs);
    }
    for (const path of this.#busyMs.keys()) if (!this.#actors.has(path)) this.#busyMs.delete(path);
  }

  readonly #busyMs = new Map<string, number>();

  #applyLinks({ links, linksGone, isWhole }: v1.PartitionLook, rate: Rate): void {
    const changed = new Set(links.map(({ id }) => id));
    for (const id of linksGone) this.#links.delete(id);
    for (const [id, link] of this.#links) {
      if (isWhole && !changed.has(id)) this.#links.delete(id);
      else if (!changed.has(id)) this.#links.set(id, { ...link, sentRate: 0, receivedRate: 0 });
    }
    for (const link of links) {
      const before = this.#links.get(link.id);
      const { id, peer, isOpen, isUnresponsive, bytesSent, bytesReceived, pendingAsks, waitingBytes } = link;
      this.#links.set(id, {
        id,
        peer,
        to: link.ordinal,
        carrier: link.medium === '' ? link.transport : `${link.transport} over ${link.medium}`,
        isOpen,
        isUnresponsive,
        bytesSent,
        bytesReceived,
        sentRate: rate(before?.bytesSent, bytesSent),
        receivedRate: rate(before?.bytesReceived, bytesReceived),
        pendingAsks,
        waitingBytes,
      });
    }
  }

  #applySegments({ segments }: v1.PartitionLook, rate: Rate): void {
    const before = new Map(this.#segments);
    this.#segments.clear();
    for (const segment of segments) {
      const { id, read, written } = segment;
      const known = before.get(id);
      this.#segments.set(id, {
        ...segment,
        readRate: rate(known?.read, read),
        writeRate: rate(known?.written, written),
      });
    }
  }

  #eventsOf({ events, eventsLost, nowMs }: v1.PartitionLook, hereMs: number): readonly EventShown[] {
    const partition = this.found.ordinal;
    const shown = events.map(({ atMs, kind, subject, detail }) => ({
      atMs: hereMs - (nowMs - atMs),
      kind,
      partition,
      subject,
      detail,
    }));
    if (eventsLost === 0) return shown;
    const lost = { atMs: hereMs, kind: 'lost', partition, subject: `${eventsLost} events`, detail: 'came too fast' };
    return [lost, ...shown];
  }
}

type Rate = (before: number | undefined, now: number) => number;

function loadOf(before: v1.ActivityLook | undefined, now: v1.ActivityLook | undefined): number {
  if (before === undefined || now === undefined) return 0;
  const activeMs = now.loopActiveMs - before.loopActiveMs;
  const totalMs = activeMs + now.loopIdleMs - before.loopIdleMs;
  return totalMs <= 0 ? 0 : Math.min(1, Math.max(0, activeMs / totalMs));
}

function poolShown(pool: v1.PoolDescription): PoolShown {
  const { name, memory, usedBytes, reservedBytes, limitBytes, blocks, waiting, leaks } = pool;
  return { name, memory, usedBytes, reservedBytes, limitBytes, blocks, waiting, leaks };
}
