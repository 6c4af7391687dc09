import { isOfComponent, type ServedPool } from '../component/index.js';
import type { Fact } from '../kernel/index.js';

/** A component, with what the governor has decided for it last. */
export interface Decided {
  readonly served: ServedPool;
  readonly wanted: number;
  readonly because: string;
  /** When it had fewer than wanted the last time: a decision holds until the next event only. */
  readonly lastHeld: LastHeld | undefined;
}

export interface LastHeld {
  readonly atMs: number;
  readonly wanted: number;
  readonly because: string;
  readonly held: string;
}

/** Time in ms after which a limit that has held a component says nothing about now. */
const RECENT_MS = 10_000;

export function heldNow(
  { wanted, because, held = '' }: Omit<Decided, 'served' | 'lastHeld'> & { readonly held: string | undefined },
  atMs: number,
): LastHeld {
  return { atMs, wanted, because, held };
}

/** What the governor has decided last for a component, by its name or the name of its service, or for an rpc of it. */
export function governedFacts(all: Iterable<Decided>, what: string, nowMs: number): readonly Fact[] {
  return [...all].filter(({ served }) => isOfComponent(served.component, what)).map((each) => factOf(each, nowMs));
}

function factOf({ served, wanted, because, lastHeld }: Decided, nowMs: number): Fact {
  const { containers, component } = served;
  const subject = component.name;
  if (lastHeld === undefined || nowMs - lastHeld.atMs > RECENT_MS) {
    const text = `The governor wants ${wanted} containers of "${subject}", because ${because}.`;
    return { kind: 'limit', subject, text, numbers: { wanted, containers } };
  }
  const agoMs = nowMs - lastHeld.atMs;
  const text = `The governor wanted ${lastHeld.wanted} containers of "${subject}" ${Math.round(agoMs)} ms ago, because ${lastHeld.because}. No more were started: ${lastHeld.held}.`;
  const { waiting } = served.pool.counts();
  const numbers = { wanted: lastHeld.wanted, containers, agoMs };
  return { kind: 'limit', subject, text, numbers, weight: waiting > 0 ? 75 : 15 };
}
