import type { Runtime, RuntimeMetrics } from '../actors/runtime/index.js';

/** What one runtime counts, and the labels by which its values are told from those of others. */
export interface Snapshot {
  readonly labels: Readonly<Record<string, string>>;
  readonly metrics: RuntimeMetrics;
}

interface Source {
  readonly runtime: Runtime;
  readonly labels: Readonly<Record<string, string>>;
}

/** The runtimes whose metrics one registry has under one prefix. The first has no label of its own; each other is named by `process`. */
export class Sources {
  #sources: readonly Source[] = [];
  #current: readonly Snapshot[] | undefined;

  /** One that has stopped makes room: a program may start its runtime anew. */
  add(runtime: Runtime): void {
    if (this.#sources.some((source) => source.runtime === runtime)) return;
    const running = this.#sources.filter((source) => !hasStopped(source.runtime));
    this.#sources = [
      ...running,
      { runtime, labels: running.length === 0 ? {} : { process: freeName(runtime, running) } },
    ];
  }

  /** One look at the runtimes serves all metrics of one scrape: a registry collects them in one go, before anything else can happen. */
  snapshots(): readonly Snapshot[] {
    if (this.#current === undefined) {
      this.#current = this.#sources.map(({ runtime, labels }) => ({ labels, metrics: runtime.metrics() }));
      Promise.resolve().then(this.#forget, this.#forget);
    }
    return this.#current;
  }

  readonly #forget = (): void => {
    this.#current = undefined;
  };
}

function hasStopped(runtime: Runtime): boolean {
  return runtime.health().phase === 'stopped';
}

function freeName({ name }: Runtime, others: readonly Source[]): string {
  const taken = others.map(({ runtime, labels }) => labels['process'] ?? runtime.name);
  let free = name;
  for (let number = 2; taken.includes(free); number++) free = `${name}-${number}`;
  return free;
}
