import type { ClusterView } from '../src/introspection/cluster-view.js';
import { parseProblem, parseView } from './wire.js';

export type Order = 'mailbox' | 'work' | 'handled' | 'path';

/** What the reader has chosen to see. */
export interface Chosen {
  readonly order: Order;
  readonly filter: string;
  readonly runtime: boolean;
}

/** A moment of the past two minutes. */
export interface Moment {
  readonly atMs: number;
  readonly rate: number;
  readonly queued: number;
}

export interface State {
  readonly view: ClusterView | undefined;
  readonly history: readonly Moment[];
  /** Why there is nothing new; undefined while there is. */
  readonly problem: string | undefined;
  readonly isPaused: boolean;
}

/** Time until the page asks again a server that has refused it, in ms. */
const RETRY_MS = 2_000;
const MOMENTS = 120;
const NOTHING: State = { view: undefined, history: [], problem: undefined, isPaused: false };

/** The connection to the cluster, and what came over it. */
export class Store {
  state: State = NOTHING;
  #chosen: Chosen = { order: 'mailbox', filter: '', runtime: false };
  #source: EventSource | undefined;
  readonly #changed: (state: State) => void;

  constructor(changed: (state: State) => void) {
    this.#changed = changed;
  }

  choose(chosen: Chosen): void {
    this.#chosen = chosen;
    this.connect();
  }

  connect(): void {
    this.#source?.close();
    const { order, filter, runtime } = this.#chosen;
    const query = new URLSearchParams({ order, filter, runtime: runtime ? '1' : '0' });
    const source = new EventSource(`events?${query.toString()}`);
    this.#source = source;
    source.addEventListener('view', ({ data }: MessageEvent<string>) => this.#arrived(parseView(data)));
    source.addEventListener('problem', ({ data }: MessageEvent<string>) => {
      this.#set({ problem: parseProblem(data).message });
    });
    source.addEventListener('error', () => {
      this.#set({ problem: 'The process that serves this page does not answer.' });
      // After an answer such as 503 the browser does not try again by itself.
      if (source.readyState === EventSource.CLOSED)
        setTimeout(() => this.#source === source && this.connect(), RETRY_MS);
    });
  }

  pause(isPaused: boolean): void {
    this.#set({ isPaused });
  }

  /** Says that the page itself has failed: what it shows is old. */
  failed({ message }: { readonly message: string }): void {
    this.#source?.close();
    this.#set({ problem: `This page has failed, and shows nothing new: ${message}. Reload it.` });
  }

  #arrived(view: ClusterView): void {
    const rate = view.partitions.reduce((sum, { messageRate }) => sum + messageRate, 0);
    const queued = view.partitions.reduce((sum, partition) => sum + partition.queued, 0);
    // The first view has no rates.
    const moment = this.state.view === undefined ? [] : [{ atMs: view.atMs, rate, queued }];
    const history = [...this.state.history, ...moment].slice(-MOMENTS);
    this.#set(this.state.isPaused ? { history, problem: undefined } : { view, history, problem: undefined });
  }

  #set(changes: Partial<State>): void {
    this.state = { ...this.state, ...changes };
    this.#changed(this.state);
  }
}
