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
      const rows = inOrder(run).map((segment) => ({ ...segment, rate: rates.of(segment) }));
      if (rows.length === 0) return;
      if (screen.isLive) screen.show(table(rows));
      else screen.progress(rows.map(plain).join('; '));
    },
    screen.isLive ? LIVE_MS : PLAIN_MS,
  );
  return () => clearInterval(timer);
}

/** As they are declared, which is how their instances are numbered. */
function inOrder(run: PipelineRun): SegmentProgress[] {
  const first = ({ segment }: SegmentProgress): number => Math.min(...run.instances(segment));
  return [...run.progress()].sort((left, right) => first(left) - first(right));
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

interface Sample {
  readonly count: number;
  readonly atMs: number;
  readonly rate: number;
}

/** Elements a second, smoothed over about a second. */
class Rates {
  readonly #startedMs = performance.now();
  readonly #last = new Map<string, Sample>();

  of({ segment, read, written }: SegmentProgress): number {
    const count = Math.max(read, written);
    const atMs = performance.now();
    const last = this.#last.get(segment) ?? { count: 0, atMs: this.#startedMs, rate: undefined };
    const elapsedMs = Math.max(1, atMs - last.atMs);
    // A run that was started anew counts from 0.
    const rate = (Math.max(0, count - last.count) * 1_000) / elapsedMs;
    const smooth = last.rate === undefined ? rate : last.rate + (rate - last.rate) * Math.min(1, elapsedMs / 1_000);
    this.#last.set(segment, { count, atMs, rate: smooth });
    return smooth;
  }
}
