import { useEffect, useRef, useState } from 'preact/hooks';
import UPlot from 'uplot';
import { ago } from './format.js';
import { html, type View } from './html.js';

export interface ChartProps {
  readonly label: string;
  /** Seconds, ascending. */
  readonly times: readonly number[];
  readonly values: readonly number[];
  readonly format: (value: number) => string;
  readonly height?: number;
}

/** A line over time. Where the pointer is, its title has the value of that moment in place of the last one. */
export function Chart({ label, times, values, format, height = 96 }: ChartProps): View {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const [pointed, point] = useState<number | undefined>(undefined);
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const made = new UPlot(optionsOf(element, height, format, point), [[], []], element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const redraw = (): void => made.redraw();
    dark.addEventListener('change', redraw);
    return () => {
      observer.disconnect();
      dark.removeEventListener('change', redraw);
      made.destroy();
    };
  }, [height]);
  useEffect(() => plot.current?.setData([[...times], [...values]]), [times, values]);
  const last = values.at(-1) ?? 0;
  const [then, at] = pointed === undefined ? [undefined, undefined] : [values[pointed], times[pointed]];
  const age = at === undefined ? '' : `${ago(1_000 * ((times.at(-1) ?? at) - at))}: `;
  return html`<figure class="chart">
    <figcaption><span>${label}</span> <b>${then === undefined ? format(last) : `${age}${format(then)}`}</b></figcaption>
    <div ref=${place} role="img" aria-label=${`${label}: ${format(last)}`}></div>
  </figure>`;
}

function optionsOf(
  element: HTMLElement,
  height: number,
  format: (value: number) => string,
  point: (index: number | undefined) => void,
): UPlot.Options {
  const color = (name: string) => (): string => getComputedStyle(document.documentElement).getPropertyValue(name);
  return {
    width: element.clientWidth,
    height,
    padding: [8, 0, 8, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    hooks: { setCursor: [({ cursor: { idx } }) => point(idx ?? undefined)] },
    scales: { x: { time: false }, y: { range: (_plot, _low, high) => [0, Math.max(1, high * 1.15)] } },
    axes: [
      { show: false },
      {
        side: 1,
        size: 48,
        gap: 6,
        space: 32,
        font: '11px system-ui, sans-serif',
        stroke: color('--muted'),
        grid: { stroke: color('--line'), width: 1 },
        ticks: { show: false },
        values: (_plot, all) => all.map((value) => (value === 0 ? '0' : format(value))),
      },
    ],
    series: [{}, { stroke: color('--accent'), fill: color('--wash'), width: 1.5, points: { show: false } }],
  };
}
