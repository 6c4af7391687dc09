import { v1 } from '../../protocol/index.js';
import type { ActorNode } from '../kernel/index.js';
import type { ActorMeter } from './actor-meter.js';
import { lookAt } from './actor-looks.js';

/** Which actors are listed, and in which order. */
export interface ListedActors {
  readonly filter: string;
  readonly limit: number;
  readonly order: v1.ActorOrder;
  readonly withRuntime: boolean;
}

interface Candidate {
  readonly actor: ActorNode;
  readonly keys: readonly [number, number];
}

interface Done {
  handled: number;
  busyMs: number;
}

const { HANDLED, PATH, WORK } = v1.ActorOrder;

/** The first actors in an order. Remembers what each had done, because the order is by what it has done since the list before. */
export class ActorList {
  readonly #before = new WeakMap<ActorNode, Done>();

  /** Visits the whole tree. Only actors that are busy are sorted: others follow in the order of the tree. */
  read(
    roots: ReadonlyMap<string, ActorNode>,
    { filter, limit, order, withRuntime }: ListedActors,
    meter: ActorMeter | undefined,
  ): { readonly rows: readonly v1.ActorLook[]; readonly found: number } {
    const busy: Candidate[] = [];
    const idle: ActorNode[] = [];
    let found = 0;
    visit(roots, (actor) => {
      if (!withRuntime && actor.behavior.isOfRuntime) return;
      if (filter !== '' && !actor.service.typeName.includes(filter) && !actor.path.includes(filter)) return;
      found++;
      const keys = order === PATH ? undefined : this.#keys(actor, order, meter);
      if (keys !== undefined) busy.push({ actor, keys });
      else if (order === PATH || idle.length < limit) idle.push(actor);
    });
    if (order === PATH) idle.sort((left, right) => (left.path < right.path ? -1 : 1));
    busy.sort(({ keys: [a, b] }, { keys: [c, d] }) => c - a || d - b);
    const listed = [...busy.slice(0, limit).map(({ actor }) => actor), ...idle].slice(0, limit);
    return { rows: listed.map((actor) => lookAt(actor, meter)), found };
  }

  /** Undefined for an actor that has nothing to do, and has done nothing. */
  #keys(actor: ActorNode, order: v1.ActorOrder, meter: ActorMeter | undefined): Candidate['keys'] | undefined {
    const waiting = actor.load + actor.parked;
    if (waiting > 0) meter?.waitedMs(actor);
    const work = meter?.of(actor);
    if (work === undefined || work.handled === 0) return waiting === 0 ? undefined : [waiting, 0];
    const { handled, busyMs } = work;
    let before = this.#before.get(actor);
    if (before === undefined) {
      before = { handled: 0, busyMs: 0 };
      this.#before.set(actor, before);
    }
    const [messages, ms] = [handled - before.handled, busyMs - before.busyMs];
    before.handled = handled;
    before.busyMs = busyMs;
    if (waiting === 0 && messages === 0) return undefined;
    if (order === WORK) return [ms, messages];
    return order === HANDLED ? [messages, ms] : [waiting, ms];
  }
}

function visit(actors: ReadonlyMap<string, ActorNode>, look: (actor: ActorNode) => void): void {
  actors.forEach((actor) => {
    look(actor);
    if (actor.children.size > 0) visit(actor.children, look);
  });
}
