import type { ClusterView, PartitionShown } from '../src/introspection/cluster-view.js';
import { byteRate, count, percent, rate } from './format.js';
import { html, type View } from './html.js';

const CARD = { width: 216, height: 62, gap: 14 };
const BOX = { padding: 14, title: 30, gap: 96 };
const MOST_LINES = 200;
/** Room of a label, and where along its line it may be. */
const LABEL = { width: 62, height: 16, shares: [0.5, 0.62, 0.38, 0.74, 0.26] };
/** Below this rate, in bytes per second, a line has no label: the watch itself sends as much. */
const LABELLED = 1_000;

interface Place {
  readonly partition: PartitionShown;
  readonly x: number;
  readonly y: number;
}

interface Line {
  readonly from: Place;
  readonly to: Place;
  readonly bytes: number;
  readonly isUnresponsive: boolean;
  readonly carrier: string;
}

/** The four points of a cubic curve: x and y of each. */
type Curve = readonly [number, number, number, number, number, number, number, number];

interface Point {
  readonly x: number;
  readonly y: number;
}

interface Label extends Point {
  readonly text: string;
}

/** Processes as boxes, their partitions as cards, and the links between them as lines whose width is their rate. */
export function Topology({ view, columns }: { readonly view: ClusterView; readonly columns: number }): View {
  const { boxes, places, width, height } = layoutOf(view.partitions, columns);
  const lines = linesOf(places);
  return html`<section id="topology" aria-label="Topology">
    <h2>Topology</h2>
    <div class="scroll">
      <svg viewBox=${`0 0 ${width} ${height}`} style=${{ maxWidth: `${width}px` }} role="img" aria-label="Partitions and links">
        ${boxes.map(
          ({ name, x, y, height: tall }) => html`<g key=${name}>
            <rect class="process" x=${x} y=${y} width=${CARD.width + 2 * BOX.padding} height=${tall} rx="10" />
            <text class="name" x=${x + BOX.padding} y=${y + 20}>${name}</text>
          </g>`,
        )}
        ${lines.map(line)} ${labelsOf(lines).map(label)} ${places.map(card)}
      </svg>
    </div>
  </section>`;
}

function card({ partition, x, y }: Place): View {
  const { ordinal, index, load, messageRate, queued, actorCount, silence } = partition;
  return html`<g key=${ordinal} class=${silence === undefined ? 'card' : 'card silent'} transform=${`translate(${x} ${y})`}>
    <title>${silence ?? `partition ${ordinal} at ${partition.address}`}</title>
    <rect width=${CARD.width} height=${CARD.height} rx="7" />
    <text class="strong" x="12" y="21">partition ${index}</text>
    <text class="quiet end" x=${CARD.width - 12} y="21">${silence === undefined ? `${percent(load)} busy` : 'silent'}</text>
    <text class="quiet" x="12" y="40">${count(actorCount)} actors, ${count(queued)} waiting</text>
    <text class="quiet end" x=${CARD.width - 12} y="40">${rate(messageRate)}</text>
    <rect class="track" x="12" y="50" width=${CARD.width - 24} height="4" rx="2" />
    <rect class="fill" x="12" y="50" width=${Math.max(0, (CARD.width - 24) * load)} height="4" rx="2" />
  </g>`;
}

function line({ from, to, bytes, isUnresponsive, carrier }: Line): View {
  const kind = isUnresponsive ? 'link bad' : bytes > 0 ? 'link live' : 'link';
  const width = 1 + Math.min(7, Math.log10(1 + bytes / 100));
  return html`<g key=${`${from.partition.ordinal}-${to.partition.ordinal}`} class=${kind}>
    <title>${carrier}${isUnresponsive ? ': its peer does not answer' : ''}</title>
    <path d=${drawn(curveOf(from, to))} stroke-width=${width} />
  </g>`;
}

/** Lines in one column swing out to the right of their cards. */
function curveOf(from: Place, to: Place): Curve {
  const [ay, by] = [from.y + CARD.height / 2, to.y + CARD.height / 2];
  if (from.x === to.x) {
    const x = from.x + CARD.width;
    const swing = x + 26 + Math.min(40, Math.abs(by - ay) / 8);
    return [x, ay, swing, ay, swing, by, x, by];
  }
  const [left, right] = from.x < to.x ? [from, to] : [to, from];
  const [lx, ly, rx, ry] = [left.x + CARD.width, left.y + CARD.height / 2, right.x, right.y + CARD.height / 2];
  const middle = (lx + rx) / 2;
  return [lx, ly, middle, ly, middle, ry, rx, ry];
}

function drawn([x0, y0, x1, y1, x2, y2, x3, y3]: Curve): string {
  return `M${x0} ${y0}C${x1} ${y1} ${x2} ${y2} ${x3} ${y3}`;
}

function label({ text, x, y }: Label): View {
  return html`<text class="rate" key=${`${text} ${x} ${y}`} x=${x} y=${y + 4}>${text}</text>`;
}

/** The rates of the busiest lines, each where it covers no other; those without such a place have none. */
function labelsOf(lines: readonly Line[]): readonly Label[] {
  const labels: Label[] = [];
  for (const { from, to, bytes } of lines) {
    if (bytes < LABELLED) continue;
    const curve = curveOf(from, to);
    const text = byteRate(bytes);
    const room = roomOf(curve);
    const points = LABEL.shares.map((share) => pointOf(curve, share)).map(({ x, y }) => ({ x: room(x), y }));
    const free = points.find((point) => !labels.some(covers(point)));
    if (free !== undefined) labels.push({ text, ...free });
  }
  return labels;
}

/** Keeps the middle of a label away from the cards at both ends of a line. */
function roomOf([x0, , , , , , x3]: Curve): (x: number) => number {
  const least = Math.min(x0, x3) + LABEL.width / 2;
  const most = x0 === x3 ? Number.POSITIVE_INFINITY : Math.max(x0, x3) - LABEL.width / 2;
  return (x) => Math.max(least, Math.min(most, x));
}

function covers({ x, y }: Point): (label: Label) => boolean {
  return (other) => Math.abs(other.x - x) < LABEL.width && Math.abs(other.y - y) < LABEL.height;
}

function pointOf([x0, y0, x1, y1, x2, y2, x3, y3]: Curve, share: number): Point {
  const rest = 1 - share;
  const [a, b, c, d] = [rest ** 3, 3 * rest ** 2 * share, 3 * rest * share ** 2, share ** 3];
  return { x: a * x0 + b * x1 + c * x2 + d * x3, y: a * y0 + b * y1 + c * y2 + d * y3 };
}

function layoutOf(partitions: readonly PartitionShown[], columns: number) {
  const groups = new Map<string, PartitionShown[]>();
  for (const each of partitions) {
    const name = `${each.node} / ${each.process}`;
    groups.set(name, [...(groups.get(name) ?? []), each]);
  }
  const boxWidth = CARD.width + 2 * BOX.padding;
  const used = Math.max(1, Math.min(columns, groups.size));
  const tops = Array.from({ length: used }, () => 2);
  const places: Place[] = [];
  const boxes = [...groups].map(([name, members]) => {
    const column = tops.indexOf(Math.min(...tops));
    const [x, y] = [2 + column * (boxWidth + BOX.gap), tops[column] ?? 0];
    const height = BOX.title + members.length * (CARD.height + CARD.gap) - CARD.gap + BOX.padding;
    [...members]
      .sort((left, right) => left.index - right.index)
      .forEach((partition, row) =>
        places.push({ partition, x: x + BOX.padding, y: y + BOX.title + row * (CARD.height + CARD.gap) }),
      );
    tops[column] = y + height + 28;
    return { name, x, y, height };
  });
  return { boxes, places, width: 4 + used * boxWidth + used * BOX.gap, height: Math.max(...tops) - 24 };
}

/** Both ends see a link: what one sends, the other receives. So a line has what both send. */
function linesOf(places: readonly Place[]): readonly Line[] {
  const byOrdinal = new Map(places.map((place) => [place.partition.ordinal, place]));
  const lines = new Map<string, Line>();
  for (const from of places) {
    for (const { to: peer, sentRate, isUnresponsive, carrier, isOpen } of from.partition.links) {
      const to = peer === undefined ? undefined : byOrdinal.get(peer);
      if (to === undefined || to === from || !isOpen) continue;
      const [first, second] = from.partition.ordinal < to.partition.ordinal ? [from, to] : [to, from];
      const key = `${first.partition.ordinal}-${second.partition.ordinal}`;
      const known = lines.get(key);
      const bytes = (known?.bytes ?? 0) + sentRate;
      lines.set(key, {
        from: first,
        to: second,
        carrier,
        bytes,
        isUnresponsive: isUnresponsive || known?.isUnresponsive === true,
      });
    }
  }
  return [...lines.values()].sort((left, right) => right.bytes - left.bytes).slice(0, MOST_LINES);
}
