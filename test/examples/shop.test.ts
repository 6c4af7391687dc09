/** Runs the shop on virtual time: its own checker counts the requests, and this test checks the checker. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import {
  type AnyContained,
  type ComponentNetwork,
  componentNetwork,
  isContained,
} from '#src/actors/component/index.js';
import { govern } from '#src/actors/governor/index.js';
import { closeAfterEach, Cluster } from '../actors/runtime/harness.js';

const DIST = pathToFileURL(resolve('examples/shop/dist/')).href;

interface Verdict {
  readonly requests: number;
  readonly answered: number;
  readonly refused: number;
  readonly failed: number;
  readonly lost: readonly string[];
  readonly twice: readonly string[];
}

/** What the example exports, as this test uses it. */
interface DayModule {
  readonly day: (options: {
    readonly network: ComponentNetwork;
    readonly signal: AbortSignal;
    readonly seconds: number;
    readonly handled: string;
    readonly say: (text: string) => void;
  }) => Promise<{
    readonly verdict: Verdict;
    readonly receipts: ReadonlyMap<number, number>;
    readonly picture: string;
  }>;
}
interface LedgerModule {
  readonly Ledger: new (
    now: () => number,
  ) => {
    counted<T>(id: string, timeoutMs: number, request: () => Promise<T>): Promise<T | undefined>;
    verdict(handlings: ReadonlyMap<string, number>): Verdict;
  };
}

async function componentOf(module: string): Promise<AnyContained> {
  const found = Object.values((await import(`${DIST}/${module}.js`)) as object).find(isContained);
  if (found === undefined) throw new Error(`${module} exports no component`);
  return found;
}

describe('the shop example', () => {
  closeAfterEach();
  let folder: string;
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'millrace-shop-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  async function opened(cluster: Cluster, nodes: number): Promise<readonly ComponentNetwork[]> {
    const networks: ComponentNetwork[] = [];
    for (let node = 0; node < nodes; node++) {
      const network = componentNetwork(await cluster.start());
      govern(network, { limit: 6 });
      for (const module of ['catalog', 'orders', 'payment']) await network.serve(await componentOf(module));
      networks.push(network);
    }
    return networks;
  }

  async function dayAt(network: ComponentNetwork | undefined, seconds: number, signal = new AbortController().signal) {
    if (network === undefined) throw new Error('there is no network');
    const { day } = (await import(`${DIST}/day.js`)) as DayModule;
    const said: string[] = [];
    const say = (text: string): void => void said.push(text);
    return { ...(await day({ network, signal, seconds, handled: join(folder, 'handled'), say })), said };
  }

  it('loses no request in a burst with a deployment and the crash of a node, and draws the day', async function () {
    this.timeout(120_000);
    const cluster = new Cluster();
    const networks = await opened(cluster, 2);
    // In the last third of the burst.
    cluster.executor.scheduler.setTimer(8_000, () => cluster.executor.crash('node-1'));
    const { verdict, receipts, picture, said } = await dayAt(networks[0], 20);
    expect(verdict).to.deep.include({ lost: [], twice: [] });
    expect(verdict.requests).to.be.greaterThan(1_000);
    // Those that the crashed node had.
    expect(verdict.failed).to.be.lessThan(20);
    expect([...receipts.keys()]).to.have.members([1, 2]);
    expect(said.join()).to.include('version 2 of payment').and.include('none is killed');
    expect(picture).to.match(/^<svg .*<\/svg>\n$/s);
    for (const name of ['catalog', 'orders', 'payment', 'spill', 'version 2']) expect(picture).to.include(name);
  });

  it('ends early when it is told to, and counts the requests that were made', async () => {
    const cluster = new Cluster();
    const [network] = await opened(cluster, 1);
    const end = new AbortController();
    cluster.executor.scheduler.setTimer(2_000, () => end.abort());
    const { verdict } = await dayAt(network, 20, end.signal);
    expect(verdict).to.deep.include({ lost: [], twice: [] });
    expect(verdict.requests).to.be.within(20, 100);
  });

  it('has a checker that notices what was lost, handled twice or handled although it was refused', async () => {
    const { Ledger } = (await import(`${DIST}/ledger.js`)) as LedgerModule;
    let nowMs = 0;
    const ledger = new Ledger(() => nowMs);
    void ledger.counted('never', 100, () => new Promise(() => {}));
    await ledger.counted('untyped', 100, () => Promise.reject(new Error('it broke')));
    await ledger.counted('twice', 100, async () => 'answer');
    await ledger.counted('unhandled', 100, async () => 'answer');
    await ledger.counted('late', 100, async () => {
      nowMs = 10_000;
    });
    const verdict = ledger.verdict(
      new Map([
        ['twice', 2],
        ['late', 1],
      ]),
    );
    expect(verdict.lost).to.have.members(['never', 'untyped', 'unhandled', 'late']);
    expect(verdict.twice).to.deep.equal(['twice']);
  });
});
