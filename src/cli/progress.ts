import type { PipelineRun, SegmentProgress } from '../index.js';
import type { Screen } from './screen.js';

const LIVE_MS = 100;
const PLAIN_MS = 1_000;

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** Shows how far each segment is while the run goes on: live lines on a terminal, otherwise one line a second. Returns what ends it. */
export function showProgress(run: PipelineRun, screen: Screen): () => void {
  const rates = new Rates();
  const timer = setInterval(
    () => {
      const segments = run.progress();
      if (segments.length === 0) return;
      const rows = segments.map((segment) => ({ ...segment, rate: rates.of(segment) }));
      if (screen.isLive) screen.show(table(rows));
      else screen.say(rows.map(plain).join('; '));
    },
    screen.isLive ? LIVE_MS : PLAIN_MS,
  );
  return () => clearInterval(timer);
}

interface Row extends SegmentProgress {
  /** Elements a second of real time. */
  readonly rate: number;
}

function plain({ segment, rate, queued, done, instances }: Row): string {
  return `${segment} ${whole.format(rate)}/s, ${whole.format(queued)} queued, ${done} of ${instances} done`;
}

function table(rows: readonly Row[]): string[] {
  const width = Math.max(8, ...rows.map(({ segment }) => segment.length));
  const head = `${'segment'.padEnd(width)} ${'rate'.padStart(12)} ${'read'.padStart(12)} ${'written'.padStart(12)} ${'queued'.padStart(8)} ${'done'.padStart(9)}`;
  return [
    head,
    ...rows.map(({ segment, rate, read, written, queued, done, instances }) => {
      const numbers = [`${whole.format(rate)}/s`, whole.format(read), whole.format(written)].map((text) =>
        text.padStart(12),
      );
      return `${segment.padEnd(width)} ${numbers.join(' ')} ${whole.format(queued).padStart(8)} ${`${done}/${instances}`.padStart(9)}`;
    }),
  ];
}

/** Elements a second, smoothed over about a second. */
class Rates {
  readonly #last = new Map<string, { readonly count: number; readonly atMs: number; readonly rate: number }>();

  of({ segment, read, written }: SegmentProgress): number {
    const count = Math.max(read, written);
    const atMs = performance.now();
    const last = this.#last.get(segment);
    if (last === undefined || count < last.count) {
      this.#last.set(segment, { count, atMs, rate: 0 });
      return 0;
    }
    const elapsed = atMs - last.atMs;
    const weight = Math.min(1, elapsed / 1_000);
    const rate = last.rate + (((count - last.count) * 1_000) / Math.max(1, elapsed) - last.rate) * weight;
    this.#last.set(segment, { count, atMs, rate });
    return rate;
  }
}
