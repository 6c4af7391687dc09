import type { ClusterView } from '../src/introspection/cluster-view.js';
import { ago } from './format.js';
import { html, type View } from './html.js';

const BAD = new Set(['failed', 'partition-ended', 'partition-silent', 'lost']);
const WARN = new Set(['dead-letter', 'link-closed']);

/** What has happened lately, the last first. */
export function Events({ view }: { readonly view: ClusterView }): View {
  return html`<section id="events" aria-label="Events">
    <h2>Events</h2>
    ${view.events.length === 0 ? html`<p class="empty">Nothing has happened since this page was opened.</p>` : null}
    <ol class="events">
      ${view.events.map(
        ({ atMs, kind, partition, subject, detail }) => html`<li
          key=${`${atMs} ${kind} ${subject}`}
          class=${BAD.has(kind) ? 'bad' : WARN.has(kind) ? 'warn' : ''}
        >
          <time>${ago(view.atMs - atMs)}</time>
          <b>${kind.replace('-', ' ')}</b>
          <span>${subject} <span class="quiet">${detail === '' ? `partition ${partition}` : detail}</span></span>
        </li>`,
      )}
    </ol>
  </section>`;
}
