import { Deferred } from '../../deferred.js';
import { ResourceError, UnreachableError } from '../../errors.js';
import type { Scheduler } from '../../scheduler/index.js';
import { Alarm } from '../alarm.js';
import type { ClusterStore, LeaseEnd, StoreEntry, StoreLease } from '../cluster-store.js';
import type { LeaseMachine, LeaseStep, LeaseWrite } from './lease-machine.js';
import { decodeLease, encodeLease, type LeaseRecord } from './lease-record.js';

/** The calls of a store that leases are made of. */
export type LeaseCalls = Pick<ClusterStore, 'address' | 'get' | 'compareAndSet' | 'watch'>;

/** Drives a LeaseMachine: asks the store, sets the timers, and tells when the lease is there and when it has ended. */
export class LeaseKeeper implements StoreLease {
  readonly ended: Promise<LeaseEnd>;
  readonly #store: LeaseCalls;
  readonly #scheduler: Scheduler;
  readonly #key: string;
  readonly #machine: LeaseMachine;
  readonly #alarm: Alarm;
  readonly #end = new Deferred<LeaseEnd>();
  #underWay: Promise<void> = Promise.resolve();
  #released: Promise<boolean> | undefined;

  constructor(store: LeaseCalls, scheduler: Scheduler, key: string, machine: LeaseMachine) {
    this.#store = store;
    this.#scheduler = scheduler;
    this.#key = key;
    this.#machine = machine;
    this.#alarm = new Alarm(scheduler);
    this.ended = this.#end.promise;
  }

  get epoch(): bigint {
    return this.#machine.epoch ?? 0n;
  }

  get isHeld(): boolean {
    return this.#machine.isHeld(this.#scheduler.now());
  }

  /**
   * Resolves to true when the lease is held; the keeper then renews it. Resolves to false when `signal` has aborted, and rejects where the store
   * is damaged: the keeper then sets no timer and writes nothing any more.
   */
  async acquire(signal: AbortSignal): Promise<boolean> {
    const watching = new AbortController();
    const wake = (): void => this.#alarm.ring();
    signal.addEventListener('abort', wake, { once: true });
    try {
      void this.#watch(watching.signal);
      await this.#wait(signal);
    } finally {
      watching.abort();
      signal.removeEventListener('abort', wake);
    }
    if (signal.aborted) {
      // The last write of the wait may have got the lease.
      await this.release();
      return false;
    }
    void this.#hold();
    return true;
  }

  /** Never rejects. */
  release(): Promise<boolean> {
    this.#released ??= this.#release();
    return this.#released;
  }

  /** Holds nothing any more, and tells nobody. */
  abandon(): void {
    this.#released = Promise.resolve(true);
    this.#machine.release();
    this.#end.resolve('released');
    this.#alarm.ring();
  }

  async #wait(signal: AbortSignal): Promise<void> {
    while (!this.isHeld && !signal.aborted) {
      const step = this.#machine.next(this.#scheduler.now());
      if (step.do !== 'end') await this.#take(step);
      else if (step.why === 'lapsed') this.#machine.startAgain();
      else return;
    }
  }

  async #hold(): Promise<void> {
    for (;;) {
      const step = this.#machine.next(this.#scheduler.now());
      if (step.do === 'end') return this.#end.resolve(step.why);
      // A store that is damaged renews nothing: the lease ends when its time is over.
      await this.#take(step).catch(() => this.#machine.failed(this.#scheduler.now()));
    }
  }

  async #take(step: Exclude<LeaseStep, { readonly do: 'end' }>): Promise<void> {
    if (step.do === 'wait') return this.#alarm.at(step.untilMs);
    const work = step.do === 'look' ? this.#look(step.timeoutMs) : this.#write(step);
    this.#underWay = work.catch(() => {});
    try {
      await work;
    } catch (error) {
      if (!isTemporary(error)) throw error;
      this.#machine.failed(this.#scheduler.now());
    }
  }

  async #look(timeoutMs: number): Promise<void> {
    const entry = await this.#store.get(this.#key, { timeoutMs });
    this.#machine.saw(entry?.revision, this.#decode(entry), this.#scheduler.now());
  }

  async #write({ record, expected, timeoutMs }: LeaseWrite): Promise<void> {
    const beganMs = this.#scheduler.now();
    const result = await this.#store.compareAndSet(this.#key, encodeLease(record), expected, { timeoutMs });
    if (result.isSet) this.#machine.wrote(record, result.revision, beganMs);
    else this.#machine.refused(result.entry?.revision, this.#decode(result.entry), this.#scheduler.now());
  }

  /** A lost watch costs nothing but time: a candidate also looks by itself. */
  async #watch(signal: AbortSignal): Promise<void> {
    try {
      for await (const _entry of this.#store.watch(this.#key, { signal })) {
        this.#machine.changed(this.#scheduler.now());
        this.#alarm.ring();
      }
    } catch {
      // What is wrong with the store the next look finds too.
    }
  }

  async #release(): Promise<boolean> {
    this.#machine.release();
    this.#end.resolve('released');
    this.#alarm.ring();
    // The revision to give up is that of the renewal that is under way.
    await this.#underWay;
    try {
      for (let tries = 0; tries < 2; tries += 1) {
        const write = this.#machine.giveUp();
        if (write === undefined || (await this.#hasGivenUp(write))) return true;
      }
    } catch {
      // A store that is out of reach, closed or damaged. The others wait for the end of the lease's time instead.
    }
    return false;
  }

  /** False where a renewal had been written without an answer: the machine then knows its revision. */
  async #hasGivenUp({ record, expected, timeoutMs }: LeaseWrite): Promise<boolean> {
    const result = await this.#store.compareAndSet(this.#key, encodeLease(record), expected, { timeoutMs });
    if (!result.isSet) {
      this.#machine.refused(result.entry?.revision, this.#decode(result.entry), this.#scheduler.now());
    }
    return result.isSet;
  }

  #decode(entry: StoreEntry | undefined): LeaseRecord | undefined {
    return entry && decodeLease(entry.value, `the key "${this.#key}" of ${this.#store.address}`);
  }
}

/** The store may answer later. */
function isTemporary(error: unknown): boolean {
  return error instanceof UnreachableError || error instanceof ResourceError;
}
