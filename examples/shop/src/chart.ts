/** Curves over time, one panel below the other, as an SVG file. */

export interface Curve {
  readonly name: string;
  /** Points: time in ms, and value. */
  readonly points: readonly (readonly [atMs: number, value: number])[];
}

export interface Panel {
  readonly title: string;
  readonly curves: readonly Curve[];
}

export interface Mark {
  readonly atMs: number;
  readonly text: string;
}

const WIDTH = 860;
const LEFT = 56;
const RIGHT = 24;
const TOP = 40;
const PANEL = 120;
const GAP = 44;
const COLORS = ['#1f6feb', '#d1570a', '#2da44e', '#8250df'];

/** The panels share one axis of time, which ends at `untilMs`, and the marks. */
export function chart(panels: readonly Panel[], marks: readonly Mark[], untilMs: number): string {
  const height = TOP + panels.length * (PANEL + GAP);
  const x = (atMs: number): number => LEFT + ((WIDTH - LEFT - RIGHT) * atMs) / untilMs;
  const bodies = panels.map((panel, index) => panelOf(panel, TOP + index * (PANEL + GAP), x, untilMs));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    ...marks.map((mark, index) => markOf(mark, index, x, height)),
    ...bodies,
    '</svg>',
    '',
  ].join('\n');
}

function panelOf({ title, curves }: Panel, top: number, x: (atMs: number) => number, untilMs: number): string {
  const most = Math.max(1, ...curves.flatMap(({ points }) => points.map(([, value]) => value)));
  const y = (value: number): number => top + PANEL - (PANEL * value) / most;
  const seconds = [0, 0.25, 0.5, 0.75, 1].map((part) => part * untilMs);
  const legend = curves.length === 1 ? [] : curves.map(({ name }, index) => legendOf(name, index, top));
  return [
    text(LEFT, top - 8, title, 'font-weight="bold"'),
    ...legend,
    `<path d="M${LEFT} ${top}V${top + PANEL}H${WIDTH - RIGHT}" fill="none" stroke="#57606a"/>`,
    ...[0, most].map((value) => text(LEFT - 6, y(value) + 4, shown(value), 'text-anchor="end"')),
    ...seconds.map((atMs) => text(x(atMs), top + PANEL + 16, `${shown(atMs / 1_000)} s`, 'text-anchor="middle"')),
    ...curves.map(({ points }, index) => {
      const path = points.map(([atMs, value]) => `${x(atMs).toFixed(1)} ${y(value).toFixed(1)}`).join('L');
      return path === '' ? '' : `<path d="M${path}" fill="none" stroke="${colorOf(index)}" stroke-width="1.5"/>`;
    }),
  ].join('\n');
}

function legendOf(name: string, index: number, top: number): string {
  return text(LEFT + 330 + 120 * index, top - 8, `— ${name}`, `fill="${colorOf(index)}"`);
}

function markOf({ atMs, text: label }: Mark, index: number, x: (atMs: number) => number, height: number): string {
  const at = x(atMs).toFixed(1);
  const line = `<path d="M${at} ${TOP - 24}V${height - GAP}" stroke="#cf222e" stroke-dasharray="3 3"/>`;
  // Marks are near each other: every other one is written to the left of its line.
  const isLeft = index % 2 === 0;
  return (
    line +
    text(Number(at) + (isLeft ? -4 : 4), TOP - 26, label, `text-anchor="${isLeft ? 'end' : 'start'}" fill="#cf222e"`)
  );
}

function text(x: number, y: number, content: string, attributes: string): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escaped}</text>`;
}

function colorOf(index: number): string {
  return COLORS[index % COLORS.length] ?? '#000';
}

function shown(value: number): string {
  return value >= 10 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(1);
}
