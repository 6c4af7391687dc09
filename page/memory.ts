import type { ClusterView } from '../src/introspection/cluster-view.js';
import { bytes, count } from './format.js';
import { html, type View } from './html.js';

/** Pools of memory, and what others hold of the values of each partition. */
export function Memory({ view }: { readonly view: ClusterView }): View {
  const rows = view.partitions.flatMap(({ ordinal, node, process, index, pools, lent }) =>
    pools.map((pool) => ({ ...pool, ordinal, where: `${node} / ${process}, partition ${index}`, lent })),
  );
  return html`<section id="memory" aria-label="Memory">
    <h2>Memory</h2>
    ${rows.length === 0 ? html`<p class="empty">No pool is in use.</p>` : null}
    ${rows.map(
      ({
        name,
        where,
        ordinal,
        usedBytes,
        reservedBytes,
        limitBytes,
        blocks,
        waiting,
        leaks,
        memory,
        lent,
      }) => html`<article
        class="pool"
        key=${`${ordinal} ${name}`}
      >
        <h3>${name} <span class="quiet">${where}, ${memory}</span></h3>
        <div class="gauge" role="img" aria-label=${`${bytes(usedBytes)} of ${bytes(limitBytes)} used`}>
          <i class="reserved" style=${{ width: `${(100 * reservedBytes) / limitBytes}%` }}></i>
          <i style=${{ width: `${(100 * usedBytes) / limitBytes}%` }}></i>
        </div>
        <p class="quiet">
          ${bytes(usedBytes)} used in ${count(blocks)} blocks, limit ${bytes(limitBytes)}${lent.values > 0 ? `; others hold ${count(lent.values)} values` : ''}
          ${waiting > 0 ? html`<b class="bad"> ${count(waiting)} calls wait</b>` : null}
          ${leaks > 0 ? html`<b class="bad"> ${count(leaks)} blocks lost</b>` : null}
        </p>
      </article>`,
    )}
  </section>`;
}
