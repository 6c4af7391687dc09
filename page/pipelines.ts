import type { ClusterView, PipelineShown, SegmentShown } from '../src/introspection/cluster-view.js';
import { count, rate } from './format.js';
import { html, type View } from './html.js';

interface Stage {
  readonly name: string;
  readonly instances: number;
  readonly partitions: readonly number[];
  readonly queued: number;
  readonly readRate: number;
  readonly writeRate: number;
  readonly done: number;
}

/** Pipelines as rivers: a stage for each segment, and between two of them a stream as wide as its rate. */
export function Pipelines({ view }: { readonly view: ClusterView }): View {
  return html`<section id="pipelines" aria-label="Pipelines">
    <h2>Pipelines</h2>
    ${view.pipelines.length === 0 ? html`<p class="empty">No pipeline runs.</p>` : null}
    ${view.pipelines.map((each) => html`<${River} key=${each.id} pipeline=${each} />`)}
  </section>`;
}

function River({ pipeline }: { readonly pipeline: PipelineShown }): View {
  const stages = stagesOf(pipeline.segments);
  const most = Math.max(1, ...stages.map(({ writeRate }) => writeRate));
  return html`<article class="river">
    <h3>${pipeline.name} <span class=${`state ${pipeline.state}`}>${pipeline.state}</span></h3>
    ${pipeline.failure === '' ? null : html`<p class="problem">${pipeline.failure}</p>`}
    <ol>
      ${stages.map(
        (stage, index) => html`<li key=${stage.name}>
          <div class="stage">
            <b>${stage.name}</b>
            <span>${stage.instances === 1 ? '1 instance' : `${stage.instances} instances`}</span>
            <span class=${stage.queued > 0 ? 'queued' : ''}>${count(stage.queued)} waiting</span>
          </div>
          ${
            index === stages.length - 1
              ? null
              : html`<div class="stream">
                <i style=${{ height: `${2 + (14 * stage.writeRate) / most}px` }}></i>
                <span>${rate(stage.writeRate)}</span>
                <small>${count(stage.done)}</small>
              </div>`
          }
        </li>`,
      )}
    </ol>
  </article>`;
}

function stagesOf(segments: readonly SegmentShown[]): readonly Stage[] {
  const stages = new Map<string, Stage>();
  for (const { name, partition, queued, readRate, writeRate, written } of segments) {
    const known = stages.get(name);
    stages.set(name, {
      name,
      instances: (known?.instances ?? 0) + 1,
      partitions: [...(known?.partitions ?? []), partition],
      queued: (known?.queued ?? 0) + queued,
      readRate: (known?.readRate ?? 0) + readRate,
      writeRate: (known?.writeRate ?? 0) + writeRate,
      done: (known?.done ?? 0) + written,
    });
  }
  return [...stages.values()];
}
