import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { NetworkProgramContext } from 'millrace';
import { day } from './day.js';
import { sentenceOf } from './report.js';

/** Plays a day in the shop, writes what it looked like, and fails where a request was lost or handled twice. */
export default async function main({ network, signal, args }: NetworkProgramContext): Promise<void> {
  const { seconds, out } = argumentsOf(args);
  const handled = `${out}.handled`;
  mkdirSync(dirname(out), { recursive: true });
  rmSync(handled, { force: true });
  const { verdict, receipts, picture } = await day({ network, signal, seconds, handled, say: console.log });
  rmSync(handled, { force: true });
  writeFileSync(out, picture);
  console.log(sentenceOf(verdict));
  console.log(`receipts: ${[...receipts].map(([version, count]) => `${count} of version ${version}`).join(', ')}`);
  console.log(`the picture of the day is ${out}`);
  const wrong = [...verdict.lost, ...verdict.twice];
  if (wrong.length > 0) throw new Error(`Requests were lost, or handled twice: ${wrong.slice(0, 10).join(', ')}.`);
}

/** Throws an error that names a wrong argument. */
function argumentsOf(args: readonly string[]): { readonly seconds: number; readonly out: string } {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '60' },
      out: { type: 'string', default: 'out/shop.svg' },
    },
  });
  const seconds = Number(values.seconds);
  if (!(seconds >= 1)) throw new Error(`--seconds is a number from 1, not ${values.seconds}.`);
  return { seconds, out: resolve(values.out) };
}
