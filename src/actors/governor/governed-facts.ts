import { isOfComponent, type ServedPool } from '../component/index.js';
import type { Fact } from '../kernel/index.js';

/** A component, with what the governor has decided for it last. */
export interface Decided {
  readonly served: ServedPool;
  readonly wanted: number;
  readonly because: string;
  readonly held: string | undefined;
}

/** What the governor has decided last for a component, by its name or the name of its service, or for an rpc of it. */
export function governedFacts(all: Iterable<Decided>, what: string): readonly Fact[] {
  return [...all].filter(({ served }) => isOfComponent(served.component, what)).map(factOf);
}

function factOf({ served, wanted, because, held }: Decided): Fact {
  const { containers, component } = served;
  const text = `The governor wants ${wanted} containers of "${component.name}", because ${because}.`;
  const numbers = { wanted, containers };
  if (held === undefined) return { kind: 'limit', subject: component.name, text, numbers };
  const { waiting } = served.pool.counts();
  const more = `No more than ${containers} are started: ${held}.`;
  return { kind: 'limit', subject: component.name, text: `${text} ${more}`, numbers, weight: waiting > 0 ? 75 : 15 };
}
