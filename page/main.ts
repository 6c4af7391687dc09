import { render } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { Actors, type Selected } from './actors.js';
import { Drawer } from './drawer.js';
import { Events } from './events.js';
import { html, type View } from './html.js';
import { Memory } from './memory.js';
import { Overview } from './overview.js';
import { Pipelines } from './pipelines.js';
import { type Chosen, type State, Store } from './store.js';
import { Topology } from './topology.js';

const SECTIONS = ['overview', 'topology', 'pipelines', 'actors', 'memory', 'events'];
const NARROW = '(max-width: 720px)';
const HELP = '1–6 sections   / filter   j k actors   Enter opens   Esc closes   p pauses';

function Page(): View {
  const [state, setState] = useState<State>({ view: undefined, history: [], problem: undefined, isPaused: false });
  const store = useMemo(() => new Store(setState), []);
  const [chosen, setChosen] = useState<Chosen>({ order: 'mailbox', filter: '', runtime: false });
  const [selected, select] = useState<Selected | undefined>(undefined);
  const isNarrow = useNarrow();
  useEffect(() => store.connect(), [store]);
  useEffect(() => {
    const failed = (event: ErrorEvent): void => store.failed(event);
    window.addEventListener('error', failed);
    return () => window.removeEventListener('error', failed);
  }, [store]);
  useEffect(
    () =>
      keys(
        () => select(undefined),
        () => store.pause(!store.state.isPaused),
      ),
    [store],
  );
  const { view, history, problem, isPaused } = state;
  const choose = (next: Chosen): void => {
    setChosen(next);
    store.choose(next);
  };
  const isBad = problem !== undefined || view?.partitions.some(({ silence }) => silence !== undefined) === true;
  return html`<div class=${selected === undefined ? 'page' : 'page with-drawer'}>
    <header class="top">
      <h1><i class=${isBad ? 'dot bad' : 'dot'}></i>Millrace</h1>
      <nav aria-label="Sections">${SECTIONS.map((name) => html`<a key=${name} href=${`#${name}`}>${name}</a>`)}</nav>
      <button aria-pressed=${isPaused} onClick=${() => store.pause(!isPaused)}>${isPaused ? 'Go on' : 'Pause'}</button>
    </header>
    ${problem === undefined ? null : html`<p class="problem" role="alert">${problem}</p>`}
    ${
      view === undefined
        ? html`<p class="first">Connecting to the cluster…</p>`
        : html`<main>
          <${Overview} view=${view} history=${history} />
          <${Topology} view=${view} columns=${isNarrow ? 1 : 3} />
          <${Pipelines} view=${view} />
          <${Actors} view=${view} chosen=${chosen} choose=${choose} selected=${selected} select=${select} />
          <${Memory} view=${view} />
          <${Events} view=${view} />
        </main>`
    }
    ${
      view !== undefined && selected !== undefined
        ? html`<${Drawer} view=${view} selected=${selected} close=${() => select(undefined)} />`
        : null
    }
    <footer>${HELP}</footer>
  </div>`;
}

function useNarrow(): boolean {
  const query = useMemo(() => matchMedia(NARROW), []);
  const [isNarrow, setNarrow] = useState(query.matches);
  useEffect(() => {
    const changed = (): void => setNarrow(query.matches);
    query.addEventListener('change', changed);
    return () => query.removeEventListener('change', changed);
  }, [query]);
  return isNarrow;
}

/** Returns what takes the keys back. */
function keys(close: () => void, pause: () => void): () => void {
  const pressed = (event: KeyboardEvent): void => {
    const { key, target } = event;
    if (key === 'Escape') {
      close();
      if (target instanceof HTMLElement) target.blur();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || target instanceof HTMLInputElement) return;
    if (key === 'p') pause();
    if (key === 'j' || key === 'ArrowDown') move(event, 1);
    if (key === 'k' || key === 'ArrowUp') move(event, -1);
    if (key === '/') {
      event.preventDefault();
      document.getElementById('filter')?.focus();
    }
    const section = SECTIONS[Number(key) - 1];
    if (section !== undefined) document.getElementById(section)?.scrollIntoView();
  };
  document.addEventListener('keydown', pressed);
  return () => document.removeEventListener('keydown', pressed);
}

/** Arrows scroll the page, but between actors. */
function move(event: KeyboardEvent, by: number): void {
  const buttons = [...document.querySelectorAll<HTMLButtonElement>('button.actor')];
  const now = buttons.findIndex((button) => button === document.activeElement);
  if (now === -1 && event.key.startsWith('Arrow')) return;
  event.preventDefault();
  buttons[Math.max(0, Math.min(buttons.length - 1, now + by))]?.focus();
}

const place = document.getElementById('page');
if (place !== null) {
  place.replaceChildren();
  render(html`<${Page} />`, place);
}
