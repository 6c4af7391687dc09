import { expect } from 'chai';
import { type ClusterStore, leaseIn, type StoreEntry } from '#src/cluster-store/index.js';
import { AskAbortedError, ConfigError, StoppedError, UnreachableError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { RealScheduler, type Scheduler } from '#src/scheduler/index.js';
import { rejection } from '../support/rejection.js';
import { eventually } from '../support/until.js';

/** Where the suite finds a store. */
export interface StoreWorld {
  /** One more client of the store that is empty at the start of each test. */
  open(scheduler: Scheduler): Promise<ClusterStore>;
  /** Takes the store away from all clients: no write succeeds until the returned function is called. Undefined: it cannot be taken away. */
  readonly cut?: () => Promise<() => Promise<void>>;
}

/** Time of the leases of these tests, in ms. */
const TTL_MS = 600;

/** What holds for every ClusterStore. */
export function describeStore(name: string, world: StoreWorld): void {
  describe(name, () => {
    const opened: ClusterStore[] = [];
    let heal: (() => Promise<void>) | undefined;

    async function open(scheduler: Scheduler = new RealScheduler()): Promise<ClusterStore> {
      const store = await world.open(scheduler);
      opened.push(store);
      return store;
    }

    afterEach(async () => {
      await heal?.();
      heal = undefined;
      await Promise.all(opened.splice(0).map((store) => store.close()));
    });

    describe('get and compareAndSet', () => {
      it('has nothing under a key until it is set, and what was set after that', async () => {
        const [store, other] = [await open(), await open()];
        expect(await store.get('a')).to.equal(undefined);
        const set = await store.compareAndSet('a', bytes('one'), undefined);
        if (!set.isSet) throw new Error('not set');
        expect(await other.get('a')).to.deep.equal({ value: bytes('one'), revision: set.revision });
        expect(await other.get('b')).to.equal(undefined);
      });

      it('keeps every byte of a value, and an empty value', async () => {
        const store = await open();
        const all = Uint8Array.from({ length: 256 }, (_, index) => index);
        await store.compareAndSet('all', all, undefined);
        await store.compareAndSet('none', new Uint8Array(), undefined);
        expect((await store.get('all'))?.value).to.deep.equal(all);
        expect((await store.get('none'))?.value).to.deep.equal(new Uint8Array());
      });

      it('keeps keys apart, whatever their names', async () => {
        const store = await open();
        const keys = ['a', 'A', 'a.b', 'a-b', 'a_b', '__proto__', 'constructor', '1', '01'];
        for (const key of keys) await store.compareAndSet(key, bytes(key), undefined);
        for (const key of keys) expect(text(await store.get(key)), key).to.equal(key);
      });

      it('writes only where the revision is the expected one, and says what is there otherwise', async () => {
        const [store, other] = [await open(), await open()];
        const first = await store.compareAndSet('a', bytes('one'), undefined);
        if (!first.isSet) throw new Error('not set');
        const entry: StoreEntry = { value: bytes('one'), revision: first.revision };
        expect(await other.compareAndSet('a', bytes('two'), undefined)).to.deep.equal({ isSet: false, entry });
        const second = await other.compareAndSet('a', bytes('two'), first.revision);
        if (!second.isSet) throw new Error('not set');
        expect(second.revision).to.be.greaterThan(first.revision);
        const refused = await store.compareAndSet('a', bytes('three'), first.revision);
        expect(refused).to.deep.equal({ isSet: false, entry: { value: bytes('two'), revision: second.revision } });
        expect(await store.compareAndSet('absent', bytes('x'), 7)).to.deep.equal({ isSet: false, entry: undefined });
      });

      it('lets one of many writers win each revision', async () => {
        const stores = [await open(), await open(), await open()];
        let revision: number | undefined;
        for (let round = 0; round < 5; round += 1) {
          const results = await Promise.all(
            stores.map((store, index) => store.compareAndSet('a', bytes(`${round} ${index}`), revision)),
          );
          const winners = results.flatMap((result, index) => (result.isSet ? [{ ...result, index }] : []));
          expect(winners).to.have.lengthOf(1);
          const entry = await stores[0]?.get('a');
          expect(entry?.revision).to.equal(winners[0]?.revision);
          expect(text(entry)).to.equal(`${round} ${winners[0]?.index}`);
          revision = entry?.revision;
        }
      });

      it('counts right when several clients add one, each after reading', async () => {
        const stores = [await open(), await open()];
        const addOne = async (store: ClusterStore): Promise<void> => {
          for (;;) {
            const entry = await store.get('count');
            const value = bytes(String(Number(text(entry) ?? 0) + 1));
            if ((await store.compareAndSet('count', value, entry?.revision)).isSet) return;
          }
        };
        const addTen = async (store: ClusterStore): Promise<void> => {
          for (let added = 0; added < 10; added += 1) await addOne(store);
        };
        await Promise.all(stores.map(addTen));
        expect(text(await stores[0]?.get('count'))).to.equal('20');
      });

      it('refuses keys and values that no store takes', async () => {
        const store = await open();
        for (const key of [
          '',
          '.',
          'a.',
          '.a',
          'a..b',
          'a b',
          'a/b',
          'a*',
          '>',
          'ä',
          'x'.repeat(limits.storeKeyCharacters + 1),
        ]) {
          expect(await rejection(store.get(key)), key).to.be.instanceOf(ConfigError);
          expect(await rejection(store.compareAndSet(key, bytes('x'), undefined)), key).to.be.instanceOf(ConfigError);
        }
        const large = new Uint8Array(limits.storeValueBytes + 1);
        expect(await rejection(store.compareAndSet('a', large, undefined))).to.be.instanceOf(ConfigError);
        const largest = await store.compareAndSet('a', large.subarray(1), undefined);
        expect(largest.isSet).to.equal(true);
      });

      it('rejects calls after it was closed', async () => {
        const store = await open();
        await store.close();
        await store.close();
        expect(await rejection(store.get('a'))).to.be.instanceOf(StoppedError);
        expect(await rejection(store.compareAndSet('a', bytes('x'), undefined))).to.be.instanceOf(StoppedError);
        expect(await rejection(store.lease('a', bytes('x'), { ttlMs: TTL_MS }))).to.be.instanceOf(StoppedError);
      });
    });

    describe('watch', () => {
      it('shows what is there, and then what others write, until it is aborted', async () => {
        const [store, other] = [await open(), await open()];
        const controller = new AbortController();
        const shown: (string | undefined)[] = [];
        const watching = collect(store.watch('a', { signal: controller.signal }), shown);
        await eventually(() => shown.length === 1);
        expect(shown).to.deep.equal([undefined]);
        const first = await other.compareAndSet('a', bytes('one'), undefined);
        await eventually(() => shown.includes('one'));
        await other.compareAndSet('b', bytes('other key'), undefined);
        await other.compareAndSet('a', bytes('two'), first.isSet ? first.revision : undefined);
        await eventually(() => shown.at(-1) === 'two');
        controller.abort();
        await watching;
        expect(shown).to.deep.equal([undefined, 'one', 'two']);
      });

      it('ends when the store is closed', async () => {
        const store = await open();
        const shown: (string | undefined)[] = [];
        const watching = collect(store.watch('a', { signal: new AbortController().signal }), shown);
        await eventually(() => shown.length === 1);
        await store.close();
        await watching;
      });
    });

    describe('lease', () => {
      it('belongs to one client at a time, and others read who that is', async () => {
        const [store, other] = [await open(), await open()];
        const lease = await store.lease('leader', bytes('first'), { ttlMs: TTL_MS });
        expect(lease.isHeld).to.equal(true);
        expect(leaseIn(await other.get('leader'), 'leader')).to.deep.include({
          holder: bytes('first'),
          epoch: lease.epoch,
          ttlMs: TTL_MS,
          isTaken: true,
        });
        const wait = other.lease('leader', bytes('second'), { ttlMs: TTL_MS });
        const state = await Promise.race([wait.then(() => 'got it'), pause(3 * TTL_MS).then(() => 'waits')]);
        expect(state).to.equal('waits');
        expect(lease.isHeld).to.equal(true);
        await lease.release();
        expect(lease.isHeld).to.equal(false);
        expect(await lease.ended).to.equal('released');
        const next = await wait;
        expect(next.epoch > lease.epoch).to.equal(true);
        expect(next.isHeld).to.equal(true);
      });

      it('is given up when its store is closed, so that nobody waits for its end', async () => {
        const [store, other] = [await open(), await open()];
        const long = { ttlMs: 60_000 };
        const lease = await store.lease('leader', bytes('first'), long);
        const wait = other.lease('leader', bytes('second'), long);
        await store.close();
        expect(await lease.ended).to.equal('released');
        expect((await wait).epoch > lease.epoch).to.equal(true);
      });

      it('is not held any more, at the first look at the clock, when its holder was paused for longer than its time', async () => {
        const paused = new PausedClock();
        const [store, other] = [await open(paused), await open()];
        const lease = await store.lease('leader', bytes('first'), { ttlMs: TTL_MS });
        paused.skip(TTL_MS);
        expect(lease.isHeld).to.equal(false);
        expect(await lease.ended).to.equal('lapsed');
        const next = await other.lease('leader', bytes('second'), { ttlMs: TTL_MS });
        expect(next.epoch > lease.epoch).to.equal(true);
      });

      it('is taken by others when its holder does not renew it', async () => {
        const frozen = new PausedClock();
        const [store, other] = [await open(frozen), await open()];
        const lease = await store.lease('leader', bytes('first'), { ttlMs: TTL_MS });
        frozen.stopTimers();
        const next = await other.lease('leader', bytes('second'), { ttlMs: TTL_MS });
        expect(lease.isHeld).to.equal(false);
        expect(next.epoch > lease.epoch).to.equal(true);
        frozen.goOn();
        expect(['lapsed', 'taken']).to.include(await lease.ended);
      });

      it('is waited for until the wait is aborted', async () => {
        const [store, other] = [await open(), await open()];
        const lease = await store.lease('leader', bytes('first'), { ttlMs: TTL_MS });
        const controller = new AbortController();
        const wait = rejection(other.lease('leader', bytes('second'), { ttlMs: TTL_MS, signal: controller.signal }));
        controller.abort();
        expect(await wait).to.be.instanceOf(AskAbortedError);
        await lease.release();
        expect(leaseIn(await store.get('leader'), 'leader')?.isTaken).to.equal(false);
      });

      it('is refused on a key that holds something else, and for too short a time', async () => {
        const store = await open();
        await store.compareAndSet('a', bytes('{"not":"a lease"}'), undefined);
        expect(await rejection(store.lease('a', bytes('x'), { ttlMs: TTL_MS }))).to.be.instanceOf(ConfigError);
        const short = { ttlMs: limits.shortestLeaseMs - 1 };
        expect(await rejection(store.lease('b', bytes('x'), short))).to.be.instanceOf(ConfigError);
      });
    });

    const { cut } = world;
    if (cut === undefined) return;

    describe('out of reach', () => {
      it('rejects writes at their deadline, and takes them again afterwards', async () => {
        const store = await open();
        const first = await store.compareAndSet('a', bytes('one'), undefined);
        heal = await cut();
        const error = await rejection(store.compareAndSet('b', bytes('two'), undefined, { timeoutMs: 300 }));
        expect(error).to.be.instanceOf(UnreachableError);
        expect(String(error)).to.include(store.address);
        await heal();
        const revision = first.isSet ? first.revision : undefined;
        const again = await store.compareAndSet('a', bytes('three'), revision);
        expect(again.isSet).to.equal(true);
        expect(text(await store.get('a'))).to.equal('three');
      });

      it('carries out a write that was not answered, or lets the next write of the same revision win', async () => {
        const store = await open();
        const first = await store.compareAndSet('a', bytes('one'), undefined);
        if (!first.isSet) throw new Error('not set');
        heal = await cut();
        const late = store.compareAndSet('a', bytes('two'), first.revision, { timeoutMs: 300 });
        expect(await rejection(late)).to.be.instanceOf(UnreachableError);
        await heal();
        const second = await store.compareAndSet('a', bytes('three'), first.revision);
        expect(text(await store.get('a'))).to.equal(second.isSet ? 'three' : 'two');
      });

      it('ends a lease in time, and gives it to one client again afterwards', async () => {
        const [store, other] = [await open(), await open()];
        const lease = await store.lease('leader', bytes('first'), { ttlMs: TTL_MS });
        heal = await cut();
        expect(await lease.ended).to.equal('lapsed');
        expect(lease.isHeld).to.equal(false);
        await heal();
        const next = await other.lease('leader', bytes('second'), { ttlMs: TTL_MS });
        expect(next.epoch > lease.epoch).to.equal(true);
        expect(next.isHeld).to.equal(true);
      });

      it('lets a watch go on afterwards', async () => {
        const [store, other] = [await open(), await open()];
        const controller = new AbortController();
        const shown: (string | undefined)[] = [];
        const watching = collect(store.watch('a', { signal: controller.signal }), shown);
        await eventually(() => shown.length === 1);
        heal = await cut();
        await rejection(store.compareAndSet('b', bytes('x'), undefined, { timeoutMs: 100 }));
        await heal();
        await other.compareAndSet('a', bytes('one'), undefined);
        await eventually(() => shown.at(-1) === 'one');
        controller.abort();
        await watching;
      });
    });
  });
}

/** The clock of a process that was stopped for a while, or whose timers do not fire. */
class PausedClock extends RealScheduler {
  #skippedMs = 0;
  #isStopped = false;
  readonly #waiting: (() => void)[] = [];

  override now(): number {
    return super.now() + this.#skippedMs;
  }

  override setTimer(delayMs: number, callback: () => void): ReturnType<RealScheduler['setTimer']> {
    return super.setTimer(delayMs, () => {
      if (this.#isStopped) this.#waiting.push(callback);
      else callback();
    });
  }

  skip(ms: number): void {
    this.#skippedMs += ms;
  }

  stopTimers(): void {
    this.#isStopped = true;
  }

  goOn(): void {
    this.#isStopped = false;
    for (const callback of this.#waiting.splice(0)) callback();
  }
}

export function bytes(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

export function text(entry: StoreEntry | undefined): string | undefined {
  return entry && new TextDecoder().decode(entry.value);
}

export async function collect(
  entries: AsyncIterable<StoreEntry | undefined>,
  into: (string | undefined)[],
): Promise<void> {
  for await (const entry of entries) into.push(text(entry));
}

/** Time that has to pass because nothing must happen in it. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
