import type { ClusterView } from '../src/introspection/cluster-view.js';
import { Chart } from './chart.js';
import { count, rate } from './format.js';
import { html, type View } from './html.js';
import type { Moment } from './store.js';

/** The numbers that a reader looks at first, and why something is not ready. */
export function Overview({ view, history }: { readonly view: ClusterView; readonly history: readonly Moment[] }): View {
  const { partitions, processes, pipelines } = view;
  const sum = (value: (each: (typeof partitions)[number]) => number): number =>
    partitions.reduce((total, each) => total + value(each), 0);
  const problems = [...new Set(partitions.flatMap((each) => each.problems))];
  const silent = partitions.filter(({ silence }) => silence !== undefined);
  const times = history.map(({ atMs }) => atMs / 1_000);
  const lost = sum((each) => each.deadLetters);
  return html`<section id="overview" aria-label="Overview">
    ${[...silent.map(({ ordinal }) => `Partition ${ordinal} does not answer.`), ...problems].map(
      (text) => html`<p class="problem" key=${text} role="status">${text}</p>`,
    )}
    <dl class="tiles">
      ${tile('Processes', count(processes.length))} ${tile('Partitions', count(partitions.length))}
      ${tile('Actors', count(sum((each) => each.actorCount)))}
      ${tile('Pipelines', count(pipelines.filter(({ state }) => state === 'running').length))}
      ${tile('Pending asks', count(sum((each) => each.pendingAsks)))}
      ${tile('Failures', count(sum((each) => each.failures)), sum((each) => each.failures) > 0 ? 'warn' : '')}
      ${tile('Restarts', count(sum((each) => each.restarts)))}
      ${tile('Dead letters', count(lost), lost > 0 ? 'warn' : '')}
    </dl>
    <div class="charts">
      <${Chart} label="Messages handled" times=${times} values=${history.map((each) => each.rate)} format=${rate} />
      <${Chart} label="Messages waiting" times=${times} values=${history.map((each) => each.queued)} format=${count} />
    </div>
  </section>`;
}

function tile(name: string, value: string, kind = ''): View {
  return html`<div class=${kind}>
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`;
}
