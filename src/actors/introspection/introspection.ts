import { Refusal } from '../../errors.js';
import { v1 } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import {
  type ActorNode,
  type ActorSystem,
  type Behavior,
  behavior,
  type Context,
  isInfrastructure,
  later,
} from '../kernel/index.js';
import type { Router } from '../transport/index.js';
import { actorAt, detailOf } from './actor-looks.js';
import { ActorList } from './actor-list.js';
import { explained } from './explained.js';
import { callByJson } from './json-call.js';
import { LinkLooks } from './link-looks.js';
import { Measurement } from './measurement.js';
import { Watch } from './watch.js';

/** The partition that is shown. */
export interface IntrospectedPartition {
  readonly system: ActorSystem;
  readonly router: Router;
  readonly scheduler: Scheduler;
  describe(): v1.PartitionDescriptionInit;
  segments(): readonly v1.SegmentDescription[];
  /** Why its process is not ready, as sentences. */
  problems(): readonly string[];
}

/** Watches of one partition at a time. */
const WATCHES = 16;
/** Time in ms after which a watch has ended of which nothing was heard. */
const EXPIRY_MS = 10_000;
const DEFAULT_ROWS = 100;
const MOST_ROWS = 10_000;
const EXPIRY_TIMER = 'expiry';
/** The watch of all who ask why, which only expires: an answer after another one says more. */
const EXPLAINS = 1n;

/** The actor that shows a partition. Measures only while there is a watch. */
export function introspection(partition: IntrospectedPartition): Behavior<typeof v1.Introspection, Introspection> {
  return behavior(v1.Introspection, {
    supervision: { onFailure: 'resume' },
    state: () => new Introspection(partition),
    look: (state, request, context) => state.look(request, context),
    endWatch: (state, { watch }, context) => {
      state.end(watch, context);
      return {};
    },
    examine: (state, { path, cUid }) => state.examine(path, cUid),
    act: (state, { path, kind }) => state.act(path, kind),
    explain: (state, request, context) => state.explain(request, context),
    call: (state, request) => later(state.call(request)),
    on: { stopping: (state) => state.close() },
  });
}

class Introspection {
  readonly #partition: IntrospectedPartition;
  readonly #links: LinkLooks;
  readonly #watches = new Map<bigint, Watch>();
  #measurement: Measurement | undefined;

  constructor(partition: IntrospectedPartition) {
    this.#partition = partition;
    this.#links = new LinkLooks(partition.router);
  }

  look(request: v1.LookRequest, context: Context): v1.PartitionLookInit {
    const limit = rowsOf(request.limit);
    const watch = request.watch === 0n ? undefined : this.#watch(request.watch, context);
    const isWhole = watch?.follows(request.nonce) !== true;
    const { system, scheduler } = this.#partition;
    const listed = { ...request, limit };
    const { rows, found } = (watch?.list ?? new ActorList()).read(system.roots, listed, this.#measurement?.meter);
    const links = this.#links.read();
    this.#measurement?.compareLinks(links);
    const changed = watch?.actors.since(rows) ?? { changed: rows, gone: [] };
    const changedLinks = watch?.links.since(links) ?? { changed: links, gone: [] };
    return {
      nonce: watch === undefined ? 0 : ++watch.nonce,
      isWhole,
      nowMs: scheduler.now(),
      partition: this.#partition.describe(),
      activity: this.#activity(),
      actors: changed.changed,
      actorsGone: changed.gone,
      actorsFound: found,
      links: changedLinks.changed,
      linksGone: changedLinks.gone,
      segments: this.#partition.segments(),
      ...this.#events(watch),
      problems: this.#partition.problems(),
    };
  }

  examine(path: string, cUid: bigint): v1.ActorDetailInit {
    const named = cUid === 0n ? path : (this.#partition.system.pathOf(cUid) ?? `the actor ${cUid.toString(16)}`);
    return detailOf(this.#actorAt(named), this.#measurement?.meter);
  }

  explain(asked: v1.ToExplain, context: Context): v1.PartitionExplanationInit {
    // Where there are too many watches, one of them has marks kept already.
    if (this.#watches.size < WATCHES || this.#watches.has(EXPLAINS)) this.#watch(EXPLAINS, context);
    return explained(this.#partition, asked, this.#measurement);
  }

  act(path: string, kind: v1.ActorAction_Kind): Record<never, never> {
    const actor = this.#actorAt(path);
    if (actor.behavior.isOfRuntime) throw new Refusal('OF_RUNTIME', `${path} belongs to the runtime, which needs it.`);
    switch (kind) {
      case v1.ActorAction_Kind.STOP:
        actor.requestStop();
        return {};
      case v1.ActorAction_Kind.RESTART:
        if (actor.phase !== 'running') throw new Refusal('NOT_RUNNING', `${path} is ${actor.phase}.`);
        actor.signal(() => {
          throw new RestartRequested(`A restart of ${path} was requested.`);
        });
        return {};
      default:
        throw new Refusal('BAD_REQUEST', `An action is 1 (stop) or 2 (restart), not ${kind}.`);
    }
  }

  async call(request: v1.JsonCall): Promise<v1.JsonReplyInit> {
    const actor = this.#partition.system.resolve(request.cUid);
    if (actor === undefined) {
      throw new Refusal('NO_SUCH_ACTOR', `No actor here has the channel ${request.cUid}: it has ended.`);
    }
    if (isInfrastructure(actor.service.typeName)) {
      throw new Refusal('OF_RUNTIME', `${actor.path} belongs to the runtime, which needs it.`);
    }
    return callByJson(actor, request);
  }

  end(watch: bigint, context: Context): void {
    this.#watches.delete(watch);
    if (this.#watches.size > 0) return;
    context.cancel(EXPIRY_TIMER);
    this.close();
  }

  /** Nobody watches any more. */
  close(): void {
    this.#watches.clear();
    this.#measurement?.close();
    this.#measurement = undefined;
  }

  #watch(id: bigint, context: Context): Watch {
    const { system, scheduler } = this.#partition;
    const nowMs = scheduler.now();
    let watch = this.#watches.get(id);
    if (watch === undefined) {
      if (this.#watches.size >= WATCHES) {
        throw new Refusal('TOO_MANY_WATCHES', `${system.name} has ${WATCHES} watches already: end one of them.`);
      }
      this.#measurement ??= new Measurement(system, scheduler, this.#links);
      watch = new Watch(this.#measurement.events.last, nowMs);
      if (this.#watches.size === 0) context.every(EXPIRY_MS, () => this.#expire(context), { key: EXPIRY_TIMER });
      this.#watches.set(id, watch);
    }
    watch.lastHeardMs = nowMs;
    return watch;
  }

  #expire(context: Context): void {
    const nowMs = this.#partition.scheduler.now();
    for (const [id, { lastHeardMs }] of this.#watches) {
      if (nowMs - lastHeardMs >= EXPIRY_MS) this.end(id, context);
    }
  }

  #events(watch: Watch | undefined): Pick<v1.PartitionLookInit, 'events' | 'eventsLost'> {
    const log = this.#measurement?.events;
    if (log === undefined || watch === undefined) return {};
    const { entries, lost } = log.after(watch.lastEvent);
    watch.lastEvent = log.last;
    return { events: entries, eventsLost: lost };
  }

  #activity(): v1.ActivityLookInit {
    const { system } = this.#partition;
    const { failures, restarts, asks, pendingAsks, openStreams, mailboxBytes } = system.statistics;
    const { queued, pastMark } = system.mailboxes();
    const { activeMs = 0, idleMs = 0 } = this.#measurement?.loop() ?? {};
    return {
      queued,
      pastMark,
      mailboxBytes,
      failures,
      restarts,
      asks: asks.started,
      pendingAsks,
      openStreams,
      loopActiveMs: activeMs,
      loopIdleMs: idleMs,
    };
  }

  #actorAt(path: string): ActorNode {
    const { system } = this.#partition;
    return actorAt(system.roots, system.name, path);
  }
}

/** The failure that restarts an actor on request. */
class RestartRequested extends Error {
  override readonly name = 'RestartRequested';
}

function rowsOf(limit: number): number {
  if (limit > MOST_ROWS) throw new Refusal('BAD_REQUEST', `At most ${MOST_ROWS} actors are listed, not ${limit}.`);
  return limit === 0 ? DEFAULT_ROWS : limit;
}
