import { useState } from 'preact/hooks';
import type { ActorShown, ClusterView } from '../src/introspection/cluster-view.js';
import { count, percent, rate } from './format.js';
import { html, type View } from './html.js';
import type { Chosen, Order } from './store.js';

export interface Selected {
  readonly partition: number;
  readonly path: string;
}

export interface ActorsProps {
  readonly view: ClusterView;
  readonly chosen: Chosen;
  readonly choose: (chosen: Chosen) => void;
  readonly selected: Selected | undefined;
  readonly select: (selected: Selected) => void;
}

const ORDERS: readonly (readonly [Order, string])[] = [
  ['mailbox', 'Mailbox'],
  ['work', 'Work'],
  ['handled', 'Rate'],
  ['path', 'Path'],
];
const SHOWN = 200;

/** The actors that have most to do. */
export function Actors({ view, chosen, choose, selected, select }: ActorsProps): View {
  const [filter, setFilter] = useState(chosen.filter);
  const rows = view.partitions
    .flatMap(({ ordinal, actors }) => actors.map((actor) => ({ ...actor, partition: ordinal })))
    .sort(comparison(chosen.order))
    .slice(0, SHOWN);
  const all = view.partitions.reduce((sum, { actorCount }) => sum + actorCount, 0);
  const found = view.partitions.reduce((sum, { actorsFound }) => sum + actorsFound, 0);
  return html`<section id="actors" aria-label="Actors">
    <header>
      <h2>Actors <span class="quiet" title="Listed, of all that there are">${count(found)} of ${count(all)}</span></h2>
      <form
        onSubmit=${(event: Event) => {
          event.preventDefault();
          choose({ ...chosen, filter });
        }}
      >
        <input
          id="filter"
          type="search"
          placeholder="Filter by path or service  /"
          aria-label="Filter actors by path or service"
          value=${filter}
          onInput=${({ currentTarget }: { readonly currentTarget: HTMLInputElement }) => setFilter(currentTarget.value)}
          onSearch=${() => choose({ ...chosen, filter })}
        />
        <label
          ><input
            type="checkbox"
            checked=${chosen.runtime}
            onChange=${() => choose({ ...chosen, runtime: !chosen.runtime })}
          />
          those of the runtime too</label
        >
      </form>
      <div class="tabs" role="group" aria-label="Order">
        ${ORDERS.map(
          ([order, name]) => html`<button
            key=${order}
            aria-pressed=${chosen.order === order}
            onClick=${() => choose({ ...chosen, order })}
          >
            ${name}
          </button>`,
        )}
      </div>
    </header>
    <table>
      <thead>
        <tr>
          <th scope="col">Actor</th>
          <th scope="col" class="wide">Service</th>
          <th scope="col" class="number">Mailbox</th>
          <th scope="col" class="number">Rate</th>
          <th scope="col" class="number">Work</th>
          <th scope="col" class="number wide">Handled</th>
          <th scope="col" class="number">Failed</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map((row) => html`<${Row} key=${`${row.partition} ${row.path}`} row=${row} selected=${selected} select=${select} />`)}
      </tbody>
    </table>
    ${rows.length === 0 ? html`<p class="empty">No actor matches.</p>` : null}
    ${found > rows.length ? html`<p class="more">${count(found)} actors match; the first ${rows.length} are shown.</p>` : null}
  </section>`;
}

type RowShown = ActorShown & { readonly partition: number };

function Row({ row, selected, select }: { readonly row: RowShown } & Pick<ActorsProps, 'selected' | 'select'>): View {
  const { path, partition, service, queued, capacity, failures, phase } = row;
  const slash = path.indexOf('/');
  const isSelected = selected?.path === path && selected.partition === partition;
  return html`<tr class=${isSelected ? 'selected' : ''} onClick=${() => select({ partition, path })}>
    <td title=${path}>
      <button class="actor" data-actor=${path}><small>${path.slice(0, slash + 1)}</small>${path.slice(slash + 1)}</button>
      ${phase === 'running' ? null : html`<span class="state">${phase}</span>`}
    </td>
    <td class="wide quiet">${service}</td>
    <td class="number bar">
      <i style=${{ width: `${Math.min(100, (100 * queued) / Math.min(capacity, 1_000))}%` }}></i><span>${count(queued)}</span>
    </td>
    <td class="number">${rate(row.rate)}</td>
    <td class="number bar">
      <i style=${{ width: `${row.work < 0.005 ? 0 : 100 * row.work}%` }}></i><span>${row.work < 0.005 ? '–' : percent(row.work)}</span>
    </td>
    <td class="number wide">${count(row.handled)}</td>
    <td class=${failures > 0 ? 'number bad' : 'number'} title=${row.lastFailure}>${failures === 0 ? '–' : count(failures)}</td>
  </tr>`;
}

function comparison(order: Order): (left: RowShown, right: RowShown) => number {
  const byPath = (left: RowShown, right: RowShown): number => left.path.localeCompare(right.path);
  switch (order) {
    case 'mailbox':
      return (left, right) => right.queued - left.queued || right.work - left.work || byPath(left, right);
    case 'work':
      return (left, right) => right.work - left.work || right.rate - left.rate || byPath(left, right);
    case 'handled':
      return (left, right) => right.rate - left.rate || byPath(left, right);
    case 'path':
      return byPath;
  }
}
