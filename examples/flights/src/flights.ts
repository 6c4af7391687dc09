/**
 * Delay of flights by hour and by distance. Rows are read as text, a few kilobytes at a time, parsed, counted by several
 * instances side by side, and merged:
 *
 *     read --Text--> parse --Flights--> tally (4 instances) --Tally--> merge --> chart, out/flights.svg, out/flights.json
 */
import { pipeline } from 'millrace';
import { Flights, Tally, Text } from '../gen/flights.js';
import { merge } from './merge.js';
import { parse } from './parse.js';
import { read } from './read.js';
import { tally } from './tally.js';

export interface Args {
  /** A JSON array of `{"delay":0,"distance":1452,"time":0.0}`. Default: the 200,000 flights of vega-datasets. */
  readonly input?: string;
  /** Folder for the results. */
  readonly out: string;
  /** Draws no chart on the terminal. */
  readonly quiet: boolean;
}

export default pipeline(
  'flights',
  import.meta.url,
  (p, { input, out, quiet }: Args) => {
    const text = p.source('read', Text, (output, context) => read(input, output, context));
    const flights = p.segment('parse', text, Flights, parse);
    const tallies = p.segment('tally', flights, Tally, { instances: 4 }, tally);
    p.sink('merge', tallies, (input, context) => merge(input, { out, isQuiet: quiet }, context));
  },
  {
    onFailure: 'restart',
    maxRestarts: 3,
    args: {
      input: {
        help: 'JSON array of {"delay":0,"distance":1452,"time":0.0}; without it the flights of vega-datasets are read',
      },
      out: { default: 'out', help: 'folder for the results' },
      quiet: { type: 'flag', default: false, help: 'draw no chart on the terminal' },
    },
  },
);
