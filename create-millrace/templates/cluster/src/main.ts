import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { MillraceError, type NetworkProgramContext } from 'millrace';
import { dashboard } from 'millrace/dashboard';
import { Primes } from '../gen/primes.js';
import { waveAt } from './wave.js';

/** Numbers of one request. */
const SIZE = 40_000;

/** The program, on the first node: sends requests in waves, until it is to end or `--seconds` have passed. */
export default async function main({ network, signal, args }: NetworkProgramContext): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { seconds: { type: 'string', default: 'Infinity' } } });
  const page = await dashboard(network.runtime);
  console.log(`the dashboard is ${page.url}`);
  const client = await network.client(Primes);

  const ask = async (number: number): Promise<number | undefined> => {
    const from = (number % 50) * SIZE;
    try {
      return (await client.count({ from, to: from + SIZE }, { timeoutMs: 2_000 })).process;
    } catch (error) {
      // A process was lost while it counted, or there was no container in time. A request is never sent twice: that is for the caller.
      if (!(error instanceof MillraceError)) throw error;
      console.log(`request ${number} failed: ${error.code}`);
      return undefined;
    }
  };

  try {
    let sent = 0;
    for (let second = 0; second < Number(values.seconds) && !signal.aborted; second++) {
      const rate = waveAt(second);
      const answers = Array.from({ length: rate }, () => ask(sent++));
      const processes = new Set((await Promise.all(answers)).filter((each) => each !== undefined));
      console.log(`${rate} requests, answered by ${processes.size} processes`);
      await delay(1_000, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    await page.close();
  }
}
