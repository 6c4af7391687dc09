import { type Bar, distanceBars, hourBars, type Result } from './result.js';
import { BAND_MILES } from './tally.js';

/** Columns of the bars; with label, number and count a line is 80 columns at most. */
const BAR_COLUMNS = 50;
const MOST_BANDS = 24;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

const number = new Intl.NumberFormat('en-US');

/** Two bar charts for a terminal of 80 columns. */
export function drawChart(result: Result): string {
  const { bars, left } = distanceBars(result, BAND_MILES, MOST_BANDS);
  const rejected = result.rejected === 0 ? '' : `, ${number.format(result.rejected)} rows rejected`;
  return [
    '',
    `${number.format(result.flights)} flights${rejected}. Mean delay in minutes:`,
    '',
    ...section('hour', hourBars(result)),
    '',
    ...section('miles from', bars),
    ...(left === 0 ? [] : [`... and ${number.format(left)} bands more`]),
    '',
  ].join('\n');
}

function section(title: string, bars: readonly Bar[]): string[] {
  const means = bars.map(({ mean = 0 }) => mean);
  const highest = Math.max(0, ...means);
  const lowest = Math.min(0, ...means);
  const columns = highest === lowest ? 0 : BAR_COLUMNS / (highest - lowest);
  // Means below zero lie left of the axis, which is where their longest bar ends.
  const axis = Math.ceil(-lowest * columns);
  const head = `${title.padStart(10)} ${'mean'.padStart(7)} ${' '.repeat(BAR_COLUMNS + 1)}${'flights'.padStart(9)}`;
  return [head, ...bars.map((bar) => line(bar, axis, columns))];
}

function line({ label, count, mean }: Bar, axis: number, columns: number): string {
  const text = mean === undefined ? '-' : mean.toFixed(1);
  const bar = mean === undefined ? '' : drawBar(mean, axis, columns);
  return `${label.padStart(10)} ${text.padStart(7)} ${bar.padEnd(BAR_COLUMNS + 1)}${number.format(count).padStart(9)}`;
}

function drawBar(mean: number, axis: number, columns: number): string {
  if (mean < 0) {
    const length = Math.max(1, Math.round(-mean * columns));
    return `${' '.repeat(Math.max(0, axis - length))}${'░'.repeat(length)}`;
  }
  const eighths = Math.round(mean * columns * 8);
  return `${' '.repeat(axis)}${'█'.repeat(Math.floor(eighths / 8))}${EIGHTHS[eighths % 8] ?? ''}`;
}
