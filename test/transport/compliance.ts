import { expect } from 'chai';
import type { Scheduler } from '#src/scheduler/index.js';
import type { Transport } from '#src/transport/index.js';
import { until } from '../support/until.js';
import { describeConnecting } from './compliance/connecting.js';
import { describeCredit } from './compliance/credit.js';
import { describeEnding } from './compliance/ending.js';
import { describeFrames } from './compliance/frames.js';
import { describeTaken } from './compliance/taken.js';

/** What the suite needs to put one transport to the test. Made anew for each test. */
export interface TransportFixture {
  readonly scheduler: Scheduler;
  /** Stale buffers are overwritten, so that use after `send` and after `frame` shows. */
  readonly isPoisoning: boolean;
  /** A transport for one more process. The suite closes it. */
  create(): Promise<Transport>;
  /** An address where nothing listens, and which says so. */
  refusedAddress(): Promise<string>;
  /** An address from which no answer comes at all. */
  silentAddress(): Promise<string>;
  /** Ends the process of `transport` as kill -9 does. */
  kill(transport: Transport): Promise<void>;
  /** Counts of whatever the transports hold by now; the suite waits for all to become 0 once they are closed. */
  leftovers(): Readonly<Record<string, number>>;
  close(): Promise<void>;
}

export type MakeFixture = () => Promise<TransportFixture>;

/** What a part of the suite works with: the fixture of the test that runs, and its transports. */
export interface Bench {
  fixture(): TransportFixture;
  create(): Promise<Transport>;
}

/**
 * The compliance suite: what every transport must do, whatever it is made of. After each test all transports are closed,
 * and nothing may be left of them.
 */
export function describeTransport(name: string, makeFixture: MakeFixture): void {
  describe(`the ${name} transport`, () => {
    let fixture: TransportFixture | undefined;
    let transports: Transport[] = [];

    const current = (): TransportFixture => {
      if (fixture === undefined) throw new Error('no test is running');
      return fixture;
    };
    const bench: Bench = {
      fixture: current,
      create: async () => {
        const transport = await current().create();
        transports.push(transport);
        return transport;
      },
    };

    beforeEach(async () => {
      fixture = await makeFixture();
      transports = [];
    });

    afterEach(async () => {
      const closing = current();
      await Promise.all(transports.map((transport) => transport.close()));
      const isEmpty = (): boolean => Object.values(closing.leftovers()).every((count) => count === 0);
      await until('nothing to be left', isEmpty).catch(() => expect(closing.leftovers()).to.equal('nothing left'));
      await closing.close();
    });

    describeConnecting(bench);
    describeFrames(bench);
    describeCredit(bench);
    describeEnding(bench);
    describeTaken(bench);
  });
}
