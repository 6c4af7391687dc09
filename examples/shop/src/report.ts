import { chart, type Mark, type Panel } from './chart.js';
import type { Entry, Verdict } from './ledger.js';
import { SAMPLE_MS, type Sample } from './watch.js';

export interface Report {
  readonly entries: readonly Entry[];
  readonly samples: readonly Sample[];
  readonly marks: readonly Mark[];
  /** Scheduler time of the beginning. */
  readonly beganMs: number;
}

/** What the day looked like: load, containers, waiting time and spill. */
export function pictureOf({ entries, samples, marks, beganMs }: Report): string {
  const untilMs = Math.max(SAMPLE_MS, ...samples.map(({ atMs }) => atMs));
  const began = entries.map((entry) => entry.beganMs - beganMs);
  const answered = entries.flatMap(({ outcome, endedMs }) => (outcome === 'answered' ? [endedMs - beganMs] : []));
  const over = (name: string, valueOf: (sample: Sample) => number) => ({
    name,
    points: samples.map((sample) => [sample.atMs, valueOf(sample)] as const),
  });
  const panels: readonly Panel[] = [
    {
      title: 'load: requests a second',
      curves: [
        { name: 'made', points: perSecond(began, untilMs) },
        { name: 'answered', points: perSecond(answered, untilMs) },
      ],
    },
    {
      title: 'containers',
      curves: ['catalog', 'orders', 'payment'].map((name) => over(name, ({ containers }) => containers[name] ?? 0)),
    },
    {
      title: 'age of the oldest request that waits, in ms',
      curves: [over('wait', ({ oldestWaitMs }) => oldestWaitMs)],
    },
    { title: 'spill: busy containers of other processes', curves: [over('spill', ({ spilled }) => spilled)] },
  ];
  return chart(panels, marks, untilMs);
}

export function sentenceOf({ requests, answered, refused, failed, lost, twice }: Verdict): string {
  return `${requests} requests: ${answered} answered, ${refused} refused for lack of a container, ${failed} failed with a typed error, ${lost.length} lost, ${twice.length} handled twice`;
}

/** Events in each second, over the last second. */
function perSecond(timesMs: readonly number[], untilMs: number): readonly (readonly [number, number])[] {
  const counts = Array.from({ length: Math.ceil(untilMs / SAMPLE_MS) }, () => 0);
  for (const timeMs of timesMs) {
    const part = Math.floor(timeMs / SAMPLE_MS);
    if (part < counts.length) counts[part] = (counts[part] ?? 0) + 1;
  }
  const perPart = 1_000 / SAMPLE_MS;
  return counts.map((_, part) => {
    const window = counts.slice(Math.max(0, part - perPart + 1), part + 1);
    return [part * SAMPLE_MS, (window.reduce((sum, count) => sum + count, 0) * perPart) / window.length];
  });
}
