import { type Bar, distanceBars, hourBars, type Result } from './result.js';
import { BAND_MILES } from './tally.js';

const WIDTH = 960;
const MARGIN = { left: 64, right: 24 };
const PLOT_HEIGHT = 220;
const VALUE_HEIGHT = 18;
const MOST_BANDS = 40;
/** A mean of fewer says little. */
const FEW_FLIGHTS = 100;

const number = new Intl.NumberFormat('en-US');

/** Two bar charts in one self-contained picture. */
export function drawSvg(result: Result): string {
  const { bars, left } = distanceBars(result, BAND_MILES, MOST_BANDS);
  const rest = left === 0 ? '' : `, without the ${number.format(left)} longest bands`;
  const rejected = result.rejected === 0 ? '' : `, ${number.format(result.rejected)} rows rejected`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} 700" width="${WIDTH}" height="700" role="img" aria-labelledby="title">
<title id="title">Mean delay of flights by hour and by distance</title>
<style>
  text { font: 12px system-ui, 'Helvetica Neue', Arial, sans-serif; fill: #52606d }
  .title { font-size: 20px; font-weight: 600; fill: #1f2933 }
  .chart { font-size: 14px; font-weight: 600; fill: #1f2933 }
  .value { font-size: 10px }
  .grid { stroke: #e4e7eb }
  .axis { stroke: #7b8794 }
  .late { fill: #2f6f9f }
  .early { fill: #5aa17f }
  .few { opacity: 0.4 }
</style>
<rect width="${WIDTH}" height="700" fill="#ffffff"/>
<text class="title" x="${MARGIN.left}" y="40">Mean delay of ${number.format(result.flights)} flights${rejected}</text>
<text x="${WIDTH - MARGIN.right}" y="40" text-anchor="end">green: early on average; pale: fewer than ${FEW_FLIGHTS} flights</text>
${chart({ title: 'By hour of the day', axis: 'hour', top: 90, bars: hourBars(result) })}
${chart({ title: `By distance${rest}`, axis: `miles, in bands of ${BAND_MILES}`, top: 410, bars })}
</svg>
`;
}

interface Chart {
  readonly title: string;
  readonly axis: string;
  readonly top: number;
  readonly bars: readonly Bar[];
}

function chart({ title, axis, top, bars }: Chart): string {
  const means = bars.map(({ mean = 0 }) => mean);
  const lowest = Math.min(0, ...means);
  const highest = Math.max(0, ...means);
  // Numbers stand above the bars, and below those that go down.
  const roomBelow = lowest < 0 ? VALUE_HEIGHT : 0;
  const pixels = (PLOT_HEIGHT - VALUE_HEIGHT - roomBelow) / (highest - lowest || 1);
  const y = (minutes: number): number => round(top + VALUE_HEIGHT + (highest - minutes) * pixels);
  const step = (WIDTH - MARGIN.left - MARGIN.right) / Math.max(1, bars.length);
  const bottom = top + PLOT_HEIGHT;
  return [
    `<text class="chart" x="${MARGIN.left}" y="${top - 18}">${title}</text>`,
    `<text x="18" y="${top + PLOT_HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 18 ${top + PLOT_HEIGHT / 2})">minutes</text>`,
    ...ticksOf(lowest, highest).map((tick) => gridLine(tick, y(tick))),
    ...bars.map((bar, index) => barOf(bar, MARGIN.left + index * step, step, y)),
    ...bars.map((bar, index) => labelOf(bar, MARGIN.left + (index + 0.5) * step, bottom + 18)),
    `<line class="axis" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(0)}" y2="${y(0)}"/>`,
    `<text x="${round((MARGIN.left + WIDTH - MARGIN.right) / 2)}" y="${bottom + 40}" text-anchor="middle">${axis}</text>`,
  ].join('\n');
}

function gridLine(tick: number, y: number): string {
  return `<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y}" y2="${y}"/><text x="${MARGIN.left - 8}" y="${y + 4}" text-anchor="end">${tick}</text>`;
}

function barOf({ label, count, mean }: Bar, left: number, step: number, y: (minutes: number) => number): string {
  if (mean === undefined) return '';
  const [top, bottom] = [y(Math.max(0, mean)), y(Math.min(0, mean))];
  const width = round(step * 0.72);
  const centre = round(left + step / 2);
  const text = mean < 0 ? bottom + 12 : top - 5;
  const kind = `${mean < 0 ? 'early' : 'late'}${count < FEW_FLIGHTS ? ' few' : ''}`;
  return `<rect class="${kind}" x="${round(left + step * 0.14)}" y="${top}" width="${width}" height="${round(bottom - top)}"><title>${label}: ${mean.toFixed(1)} min, ${number.format(count)} flights</title></rect><text class="value" x="${centre}" y="${round(text)}" text-anchor="middle">${mean.toFixed(1)}</text>`;
}

function labelOf({ label }: Bar, centre: number, y: number): string {
  return `<text x="${round(centre)}" y="${y}" text-anchor="middle">${label}</text>`;
}

/** Round numbers from `lowest` to `highest`, about five of them. */
function ticksOf(lowest: number, highest: number): readonly number[] {
  const span = highest - lowest || 1;
  const power = 10 ** Math.floor(Math.log10(span / 5));
  const step = [1, 2, 5].map((factor) => factor * power).find((each) => span / each <= 6) ?? 10 * power;
  const first = Math.ceil(lowest / step);
  const count = Math.floor(highest / step) - first + 1;
  return Array.from({ length: count }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

function round(pixels: number): number {
  return Math.round(pixels * 10) / 10;
}
