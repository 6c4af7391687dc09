/** How `millrace top` shows a cluster: a line about all of it, its partitions, its pipelines, and the actors that have most to do. */
import type { ActorShown, ClusterView, PartitionShown, PipelineShown } from '../introspection/index.js';

interface Column<Row> {
  readonly title: string;
  readonly width: number;
  readonly isNumber?: boolean;
  readonly text: (row: Row) => string;
}

type Listed = ActorShown & { readonly partition: number };

const PARTITIONS: readonly Column<PartitionShown>[] = [
  {
    title: 'PARTITION',
    width: 36,
    text: ({ ordinal, node, process, index }) => `${ordinal} ${node} ${process} ${index}`,
  },
  {
    title: 'LOAD',
    width: 7,
    isNumber: true,
    text: ({ load, silence }) => (silence === undefined ? percent(load) : 'silent'),
  },
  { title: 'ACTORS', width: 8, isNumber: true, text: ({ actorCount }) => count(actorCount) },
  { title: 'MSG/S', width: 8, isNumber: true, text: ({ messageRate }) => count(messageRate) },
  { title: 'WAITING', width: 8, isNumber: true, text: ({ queued }) => count(queued) },
  { title: 'LINKS', width: 6, isNumber: true, text: ({ links }) => count(links.length) },
  {
    title: 'OUT/S',
    width: 8,
    isNumber: true,
    text: ({ links }) => count(links.reduce((sum, { sentRate }) => sum + sentRate, 0)),
  },
];

const ACTORS: readonly Column<Listed>[] = [
  { title: 'ACTOR', width: 44, text: ({ path }) => path },
  { title: 'MAILBOX', width: 8, isNumber: true, text: ({ queued }) => count(queued) },
  { title: 'MSG/S', width: 8, isNumber: true, text: ({ rate }) => count(rate) },
  { title: 'WORK', width: 6, isNumber: true, text: ({ work }) => percent(work) },
  { title: 'HANDLED', width: 8, isNumber: true, text: ({ handled }) => count(handled) },
  { title: 'FAILED', width: 7, isNumber: true, text: ({ failures }) => count(failures) },
];

/** `rows`: actors that are shown at most. */
export function topLines(view: ClusterView, rows: number): readonly string[] {
  const { processes, partitions, pipelines } = view;
  const sum = (value: (each: PartitionShown) => number): string =>
    count(partitions.reduce((total, each) => total + value(each), 0));
  const actors = partitions
    .flatMap((partition): Listed[] => partition.actors.map((actor) => ({ ...actor, partition: partition.ordinal })))
    .sort((left, right) => right.queued - left.queued || right.work - left.work || right.rate - left.rate)
    .slice(0, rows);
  const problems = [...new Set(partitions.flatMap((each) => [...each.problems, ...silenceOf(each)]))];
  return [
    `${count(processes.length)} processes, ${count(partitions.length)} partitions, ${sum((each) => each.actorCount)} actors, ` +
      `${sum((each) => each.messageRate)} messages/s, ${sum((each) => each.queued)} waiting, ${sum((each) => each.failures)} failures`,
    ...problems.map((problem) => `! ${problem}`),
    '',
    ...table(PARTITIONS, partitions),
    ...(pipelines.length === 0 ? [] : ['', ...pipelines.map(pipelineLine)]),
    '',
    ...table(ACTORS, actors),
  ];
}

function silenceOf({ ordinal, silence }: PartitionShown): readonly string[] {
  return silence === undefined ? [] : [`Partition ${ordinal} has not answered: ${silence}`];
}

/** `flow  running  source 1.2k/s > stage 1.2k/s (40 waiting) > sink` */
function pipelineLine({ name, state, failure, segments }: PipelineShown): string {
  const stages = new Map<string, { rate: number; queued: number }>();
  for (const { name: segment, writeRate, queued } of segments) {
    const known = stages.get(segment) ?? { rate: 0, queued: 0 };
    stages.set(segment, { rate: known.rate + writeRate, queued: known.queued + queued });
  }
  const texts = [...stages].map(([segment, { rate, queued }]) => {
    const waiting = queued === 0 ? '' : ` (${count(queued)} waiting)`;
    return `${segment}${rate === 0 ? '' : ` ${count(rate)}/s`}${waiting}`;
  });
  return `${name}  ${state}${failure === '' ? '' : `: ${failure}`}  ${texts.join(' > ')}`;
}

function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): readonly string[] {
  const cell = ({ width, isNumber }: Column<Row>, text: string): string => {
    const cut = text.length > width ? `…${text.slice(text.length - width + 1)}` : text;
    return isNumber === true ? cut.padStart(width) : cut.padEnd(width);
  };
  const line = (text: (column: Column<Row>) => string): string =>
    columns
      .map((column) => cell(column, text(column)))
      .join(' ')
      .trimEnd();
  return [line(({ title }) => title), ...rows.map((row) => line(({ text }) => text(row)))];
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** `1234` is 1.2k. */
function count(value: number): string {
  const units = ['', 'k', 'M', 'G', 'T'];
  let [left, unit] = [value, 0];
  while (left >= 1_000 && unit < units.length - 1) [left, unit] = [left / 1_000, unit + 1];
  const digits = left < 10 && (unit > 0 || !Number.isInteger(left)) ? 1 : 0;
  return `${left.toFixed(digits)}${units[unit] ?? ''}`;
}
