import type { ComponentNetwork } from 'millrace';
import type { Mark } from './chart.js';
import { handlings } from './handled.js';
import { deploy, killOne } from './incidents.js';
import { Ledger, type Verdict } from './ledger.js';
import { BURST } from './load.js';
import { pictureOf } from './report.js';
import { shoppersOf } from './shoppers.js';
import { watchPools } from './watch.js';

export interface DayOptions {
  readonly network: ComponentNetwork;
  readonly signal: AbortSignal;
  /** How long the day is. */
  readonly seconds: number;
  /** The file in which containers note what they handle. */
  readonly handled: string;
  readonly say: (text: string) => void;
}

export interface Evening {
  readonly verdict: Verdict;
  /** Receipts, by the versions of the payment that have given them. */
  readonly receipts: ReadonlyMap<number, number>;
  /** An SVG file. */
  readonly picture: string;
}

/** A day in the shop: shoppers come as they were recorded. In the burst a new version is deployed, and the process of a container is killed. */
export async function day({ network, signal, seconds, handled, say }: DayOptions): Promise<Evening> {
  const { scheduler } = network.runtime;
  const beganMs = scheduler.now();
  const ledger = new Ledger(() => scheduler.now());
  const marks: Mark[] = [];
  const receipts = new Map<number, number>();
  const pids = new Set<number>();

  const mark = (text: string): void => {
    const atMs = scheduler.now() - beganMs;
    marks.push({ atMs, text });
    say(`${(atMs / 1_000).toFixed(1)} s: ${text}`);
  };
  /** What happens after a part of the burst. */
  const inBurst = async (part: number, happen: () => Promise<void> | void): Promise<void> => {
    const delayMs = 1_000 * seconds * (BURST.from + part * (BURST.to - BURST.from));
    await new Promise<void>((resolve) => void scheduler.setTimer(delayMs, resolve));
    if (!signal.aborted) await happen();
  };

  const evening = new AbortController();
  const samples = watchPools(network, evening.signal);
  const paid = ({ version, pid }: { readonly version: number; readonly pid: number }): void => {
    receipts.set(version, (receipts.get(version) ?? 0) + 1);
    pids.add(pid);
  };
  try {
    await Promise.all([
      shoppersOf({ network, ledger, seconds, handled, signal, paid }),
      inBurst(1 / 3, async () => {
        await deploy(network);
        mark('version 2 of payment');
      }),
      inBurst(2 / 3, () => {
        const pid = killOne(pids);
        mark(pid === undefined ? 'no container has a process of its own: none is killed' : `kill -9 ${pid}`);
      }),
    ]);
  } finally {
    evening.abort();
  }
  const { entries } = ledger;
  return {
    verdict: ledger.verdict(handlings(handled)),
    receipts,
    picture: pictureOf({ entries, samples, marks, beganMs }),
  };
}
