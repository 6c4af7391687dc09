import type { Effort, Measure, Question } from '../harness/question.js';
import { rate } from '../harness/rate.js';
import { tradeSample } from './samples.js';

/** How one library reads a little of each of the two messages. */
interface Reader {
  /** The number and the name of a report. */
  report(bytes: Uint8Array): number;
  /** The sum of one number of each of 1,000 trades. */
  batch(bytes: Uint8Array): number;
}

const TRADES = 1_000;
const report = {
  id: '4bf92f3577b34da6a3ce929d0e0e4736',
  account: tradeSample.account,
  venue: tradeSample.venue,
  count: 1_200,
  last: tradeSample,
  tags: { tenant: 'acme-eu', user: 'u-1234567' },
  payload: Uint8Array.from({ length: 98 }, (_, index) => index),
  isFinal: true,
};

const readers: Readonly<Record<string, () => Promise<Reader>>> = {
  'millrace view': async () => {
    const { BatchView, ReportView } = await import('../gen/values.views.js');
    return {
      report: (bytes) => {
        const { count, id } = ReportView.of(bytes);
        return count + id.length;
      },
      batch: (bytes) => {
        let sum = 0;
        for (const { quantity } of BatchView.of(bytes).trades) sum += quantity;
        return sum;
      },
    };
  },
  'millrace typed': async () => {
    const [{ decode }, { Batch, Report }] = await Promise.all([
      import('millrace/protocol'),
      import('../gen/values.js'),
    ]);
    return {
      report: (bytes) => {
        const { count, id } = decode(Report, bytes);
        return count + id.length;
      },
      batch: (bytes) => decode(Batch, bytes).trades.reduce((sum, { quantity }) => sum + quantity, 0),
    };
  },
  'protobufjs static': async () => {
    const { bench } = await import('../gen/protobufjs.js');
    return {
      report: (bytes) => {
        const { count, id } = bench.Report.decode(bytes);
        return count + id.length;
      },
      batch: (bytes) => {
        let sum = 0;
        for (const { quantity } of bench.Batch.decode(bytes).trades) sum += quantity ?? 0;
        return sum;
      },
    };
  },
};

async function measure(reader: Reader, effort: Effort, size: string): Promise<Measure> {
  const [{ encode }, { Batch, Report }] = await Promise.all([import('millrace/protocol'), import('../gen/values.js')]);
  const isReport = size === '280 B';
  const trades = Array.from({ length: TRADES }, (_, quantity) => ({ ...tradeSample, quantity }));
  const bytes = isReport ? encode(Report, Report.create(report)) : encode(Batch, Batch.create({ trades }));
  const expected = isReport ? report.count + report.id.length : (TRADES * (TRADES - 1)) / 2;
  if (isReport && bytes.length !== 280) throw new Error(`the report has ${bytes.length} bytes`);
  const perSecond = await rate(effort, (count) => {
    let right = 0;
    for (let index = 0; index < count; index++)
      if ((isReport ? reader.report(bytes) : reader.batch(bytes)) === expected) right += 1;
    return Promise.resolve(right);
  });
  return async () => 1 / Number(await perSecond());
}

/** Reading a little of a large message: two fields of one of 280 B, and a field of each of 1,000 nested ones. */
export const view: Question = {
  slug: 'view',
  metric: 'a little of a message read',
  unit: 'us',
  isMoreBetter: false,
  sizes: ['280 B', '1,000 nested'],
  peer: 'protobufjs static',
  subjects: Object.fromEntries(
    Object.entries(readers).map(([name, load]) => [
      name,
      async (effort: Effort, size: string) => measure(await load(), effort, size),
    ]),
  ),
};
