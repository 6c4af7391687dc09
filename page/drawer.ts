import { useEffect, useRef, useState } from 'preact/hooks';
import type { ActorShown, ClusterView } from '../src/introspection/cluster-view.js';
import type { Selected } from './actors.js';
import { Chart } from './chart.js';
import { count, percent, rate } from './format.js';
import { html, type View } from './html.js';
import { type Detail, parseAny, parseDetail, parseProblem } from './wire.js';

export interface DrawerProps {
  readonly view: ClusterView;
  readonly selected: Selected;
  readonly close: () => void;
}

const MOMENTS = 120;

/** One actor, live: its mailbox, its work, and what its behavior shows of its state. */
export function Drawer({ view, selected, close }: DrawerProps): View {
  const { partition, path } = selected;
  const { detail, problem } = useDetail(selected, view.atMs);
  const actor = view.partitions.find(({ ordinal }) => ordinal === partition)?.actors.find((each) => each.path === path);
  const history = useHistory(actor, view.atMs, path);
  const times = history.map(({ atMs }) => atMs / 1_000);
  return html`<aside id="drawer" aria-label=${`Actor ${path}`} tabindex="-1">
    <header>
      <h2>${path.slice(path.indexOf('/') + 1)}</h2>
      <button class="plain" aria-label="Close" onClick=${close}>✕</button>
    </header>
    <p class="quiet">${path}${actor === undefined ? '' : `, ${actor.service}`}</p>
    ${problem === undefined ? null : html`<p class="problem">${problem}</p>`}
    ${actor === undefined ? null : html`<${Numbers} actor=${actor} />`}
    <${Chart} label="Mailbox" times=${times} values=${history.map((each) => each.queued)} format=${count} height=${72} />
    <${Chart} label="Messages handled" times=${times} values=${history.map((each) => each.rate)} format=${rate} height=${72} />
    ${detail === undefined ? null : html`<${Parts} detail=${detail} />`}
    ${detail?.mayAct === true ? html`<${Actions} selected=${selected} />` : null}
  </aside>`;
}

function Numbers({ actor }: { readonly actor: ActorShown }): View {
  const rows: readonly (readonly [string, string])[] = [
    ['Phase', actor.isWaiting ? `${actor.phase}, waits for a promise` : actor.phase],
    ['Mailbox', `${count(actor.queued)} of ${count(actor.capacity)}`],
    ['Parked, stashed', `${count(actor.parked)}, ${count(actor.stashed)}`],
    ['Work', percent(actor.work)],
    ['Handled', count(actor.handled)],
    ['Children', count(actor.children)],
    ['Failures', actor.failures === 0 ? '0' : `${count(actor.failures)}: ${actor.lastFailure}`],
  ];
  return html`<dl class="rows">${rows.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function Parts({ detail }: { readonly detail: Detail }): View {
  const { state, stateProblem, waiting, children } = detail;
  return html`<div>
    <h3>State</h3>
    ${stateProblem === '' ? null : html`<p class="problem">${stateProblem}</p>`}
    ${state === '' ? html`<p class="empty">Its behavior shows nothing: see on.inspect.</p>` : html`<pre>${pretty(state)}</pre>`}
    <h3>Waiting messages</h3>
    ${
      waiting.length === 0
        ? html`<p class="empty">None.</p>`
        : html`<p class="chips">${grouped(waiting).map(([name, times]) => html`<span key=${name}>${name}${times > 1 ? ` × ${times}` : ''}</span>`)}</p>`
    }
    ${children.length === 0 ? null : html`<div><h3>Children</h3><p class="chips">${children.map((name) => html`<span key=${name}>${name}</span>`)}</p></div>`}
  </div>`;
}

const ACTIONS: readonly (readonly [string, string])[] = [
  ['restart', 'Restart'],
  ['stop', 'Stop'],
];

/** Each action asks once more before it is done. */
function Actions({ selected }: { readonly selected: Selected }): View {
  const [armed, arm] = useState('');
  const [outcome, setOutcome] = useState('');
  const act = (action: string): void => {
    if (armed !== action) return arm(action);
    arm('');
    const body = JSON.stringify({ ...selected, action });
    fetch('act', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      .then(async (response) =>
        setOutcome(response.ok ? `${action}: done` : messageIn(parseProblem(await response.text()))),
      )
      .catch((error: unknown) => setOutcome(String(error)));
  };
  return html`<div class="actions">
    ${ACTIONS.map(
      ([
        action,
        name,
      ]) => html`<button key=${action} class=${armed === action ? `${action} armed` : action} onClick=${() => act(action)}>
        ${armed === action ? `Really ${action}?` : name}
      </button>`,
    )}
    <span role="status">${outcome}</span>
  </div>`;
}

function useDetail(
  { partition, path }: Selected,
  atMs: number,
): { detail: Detail | undefined; problem: string | undefined } {
  const [state, setState] = useState<{ detail: Detail | undefined; problem: string | undefined }>({
    detail: undefined,
    problem: undefined,
  });
  useEffect(() => {
    const stop = new AbortController();
    const query = new URLSearchParams({ partition: String(partition), path });
    fetch(`actor?${query.toString()}`, { signal: stop.signal })
      .then(async (response) => {
        const body = parseDetail(await response.text());
        setState(response.ok ? { detail: body, problem: undefined } : { detail: undefined, problem: messageIn(body) });
      })
      .catch((error: unknown) => {
        if (!stop.signal.aborted) setState((last) => ({ ...last, problem: String(error) }));
      });
    return () => stop.abort();
  }, [partition, path, atMs]);
  return state;
}

interface ActorMoment {
  readonly atMs: number;
  readonly queued: number;
  readonly rate: number;
}

function useHistory(actor: ActorShown | undefined, atMs: number, path: string): readonly ActorMoment[] {
  const kept = useRef<{ path: string; moments: readonly ActorMoment[] }>({ path, moments: [] });
  if (kept.current.path !== path) kept.current = { path, moments: [] };
  const { moments } = kept.current;
  if (actor !== undefined && moments.at(-1)?.atMs !== atMs) {
    const moment = { atMs, queued: actor.queued, rate: actor.rate };
    kept.current = { path, moments: [...moments, moment].slice(-MOMENTS) };
  }
  return kept.current.moments;
}

function messageIn(body: { readonly message?: string }): string {
  return body.message ?? 'The process that serves this page has not answered.';
}

function pretty(json: string): string {
  return JSON.stringify(parseAny(json), undefined, 2);
}

function grouped(names: readonly string[]): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts];
}
