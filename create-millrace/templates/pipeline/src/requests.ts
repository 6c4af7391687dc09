/**
 * How often each path of a log was requested, how long that took, and how often it failed.
 *
 *     read --Request--> sum (2 instances) --Summary--> report --> out/report.json
 */
import { pipeline } from 'millrace';
import { Request, Summary } from '../gen/requests.js';
import { read } from './read.js';
import { report } from './report.js';
import { sum } from './sum.js';

export interface Args {
  readonly input: string;
  readonly out: string;
}

export default pipeline(
  'requests',
  import.meta.url,
  (p, { input, out }: Args) => {
    const requests = p.source('read', Request, (output, context) => read(input, output, context));
    const summaries = p.segment('sum', requests, Summary, { instances: 2 }, sum);
    p.sink('report', summaries, (summaries, context) => report(summaries, out, context));
  },
  {
    // A segment that is lost with its process, or fails, starts the run again from its source.
    onFailure: 'restart',
    maxRestarts: 3,
    args: {
      input: { default: 'data/requests.log', help: 'log with a request on each line: PATH STATUS MILLISECONDS' },
      out: { default: 'out/report.json', help: 'file of the report' },
    },
  },
);
