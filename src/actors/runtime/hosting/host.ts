import { type MillraceError, ProtocolError, StoppedError, UnreachableError } from '../../../errors.js';
import { messageOf, namedMessageOf } from '../../../foreign.js';
import { limits } from '../../../limits.js';
import { LOG_LEVELS, type Logger } from '../../../logging/index.js';
import { type Ref, v1 } from '../../../protocol/index.js';
import type { Execution } from '../../../resources/execution/index.js';
import type { ControlPlaneClient } from '../../control-plane/index.js';
import {
  type ActorRef,
  type ActorSystem,
  type Behavior,
  behavior,
  type Context,
  later,
  type Later,
} from '../../kernel/index.js';
import type { PartitionView } from '../partition-view.js';
import { HangWatch, type HangWatchOptions, LOOK_MS } from './hang-watch.js';
import { Launch, type LaunchOptions, type Live } from './launch.js';
import { ReportedPartition } from './report.js';

export interface HostOptions extends LaunchOptions, HangWatchOptions {
  readonly system: ActorSystem;
  readonly client: () => ControlPlaneClient;
  /** Starts the partition's thread or process; it will speak to the host at this channel. */
  readonly execute: (launch: string, cUid: bigint) => Execution;
}

/** Waits before a partition begins anew: it is no small thing to start. */
const BACKOFF = { minMs: 100, maxMs: 10_000 };

/**
 * Stands for a partition that runs on a thread or in a process of its own: starts it, lets it join, hears from it, and ends it. When it ends by
 * itself that is a failure of the actor behind this, whose supervision has it begin anew.
 */
export class PartitionHost {
  readonly #options: HostOptions;
  readonly #up: Promise<void>;
  #actor: ActorRef<typeof v1.PartitionHost> | undefined;
  #came: () => void = () => {};
  #failed: (error: MillraceError) => void = () => {};
  #launch: Launch | undefined;
  #launches = 0;
  #view: PartitionView | undefined;
  #hasComeUp = false;
  readonly #watch: HangWatch;
  /** Its failures were more than its supervision restarts. */
  #isGoneForGood = false;
  #unsubscribe = (): void => {};
  #isStopping = false;

  constructor(options: HostOptions) {
    this.#options = options;
    this.#watch = new HangWatch(options);
    this.#up = new Promise((resolve, reject) => {
      this.#came = resolve;
      this.#failed = reject;
    });
    this.#up.catch(() => {});
  }

  /** Index of the partition in its process. */
  get index(): number {
    return this.#options.index;
  }

  /** Undefined while it is not there. */
  get ordinal(): number | undefined {
    return this.#launch?.live?.ordinal;
  }

  get isGoneForGood(): boolean {
    return this.#isGoneForGood;
  }

  /** Why it takes no work, in a sentence; undefined where it does, and when it was told to end. */
  get problem(): string | undefined {
    if (this.#isStopping) return undefined;
    const who = `Partition ${this.index} of this process`;
    if (this.#isGoneForGood) return `${who} is gone for good: it has failed too often.`;
    if (this.ordinal === undefined) return `${who} is ${this.#hasComeUp ? 'gone, and begins anew' : 'not there yet'}.`;
    const { state, silentMs } = this.#watch;
    const what = `its event loop has been blocked for ${silentMs / 1_000} s (${this.#launch?.execution.place})`;
    if (state === 'responsive') return undefined;
    const advice =
      state === 'wedged' ? ' Stop the pipeline that blocks it: then the partition is ended, and begins anew.' : '';
    return `${who} is ${state}: ${what}.${advice}`;
  }

  /** It has said something of itself lately. */
  get isResponsive(): boolean {
    return this.#watch.state === 'responsive';
  }

  get segmentsManager(): Ref | undefined {
    return this.#launch?.live?.segmentsManager;
  }

  /** As it said last; undefined while it is not there. */
  get view(): PartitionView | undefined {
    return this.ordinal === undefined ? undefined : this.#view;
  }

  /** One of its segments was told to stop. */
  stopping(segment: number): void {
    this.#watch.stopping(segment);
  }

  /** One of its segments is gone. */
  gone(segment: number): void {
    this.#watch.gone(segment);
  }

  /** Resolves when the partition is there for the first time. What it failed with otherwise, at the first failure; never later than a deadline. */
  async start(): Promise<void> {
    const { scheduler, system, index } = this.#options;
    const actor = system.spawn(this.#behavior(), { name: `partition-host-${index}` });
    this.#actor = actor;
    this.#unsubscribe = system.failures.subscribe(({ path }) => {
      this.#isGoneForGood ||= path === `${system.name}/${actor.name}`;
    });
    const timeoutMs = 4 * limits.controlPlaneTimeoutMs;
    const timer = scheduler.setTimer(timeoutMs, () =>
      this.#failed(new UnreachableError(`Partition ${index} did not come up within ${timeoutMs} ms.`)),
    );
    try {
      await this.#up;
    } finally {
      scheduler.clearTimer(timer);
    }
  }

  /** Resolves when it has said how it is now; it goes on to say so, often. */
  look(): Promise<void> {
    return this.#ask((hosted) => hosted.look({}));
  }

  /** It takes nothing new; resolves when it has said how it is with that. */
  drain(): Promise<void> {
    return this.#ask((hosted) => hosted.drain({}));
  }

  async #ask(question: (hosted: Live['hosted']) => Promise<v1.PartitionReport>): Promise<void> {
    const launch = this.#launch;
    if (launch?.live === undefined) return;
    try {
      const report = await question(launch.live.hosted);
      if (launch === this.#launch) this.#heard(launch.live.ordinal, report);
    } catch (error) {
      // What it said last holds. If it is gone, that is told in another way.
      this.#options.log.debug('a partition did not answer', { partition: this.index, error: namedMessageOf(error) });
    }
  }

  async stopSegments(): Promise<void> {
    this.#leave();
    await this.#launch?.stopSegments();
  }

  /** Ends the partition and what it runs on; whatever does not end by itself is ended. */
  async stop(handlerTimeoutMs: number | undefined): Promise<void> {
    this.#leave();
    if (this.#launch?.isOver === false) await this.#launch.stop(handlerTimeoutMs);
    this.#unsubscribe();
    // It may be about to begin anew.
    if (this.#actor !== undefined) await this.#options.system.stop(this.#actor);
  }

  /** Ends it at once, and tells nobody. */
  async kill(): Promise<void> {
    this.#leave();
    await this.#launch?.kill();
  }

  #leave(): void {
    this.#isStopping = true;
    this.#failed(new StoppedError(`The runtime was stopped before partition ${this.index} was there.`));
  }

  // ---- the actor

  #behavior(): Behavior<typeof v1.PartitionHost, Launch> {
    return behavior(v1.PartitionHost, {
      supervision: { onFailure: 'restart', backoff: BACKOFF },
      state: (context) => {
        const launch = this.#begin(context);
        context.every(LOOK_MS, () => this.#look(launch));
        return launch;
      },
      enrol: (launch, { launch: name, address }) => {
        if (launch.name !== name) return stale(name);
        launch.address = address;
        launch.ordinal ??= this.#register(address);
        const client = this.#options.client().actor.toRef().cUid;
        return later(launch.ordinal.then((ordinal) => ({ ordinal, client })));
      },
      activate: (launch, partition, context) => {
        if (launch.name !== partition.launch) return stale(partition.launch);
        launch.activated ??= this.#activate(launch, partition, context);
        return later(launch.activated.then(() => ({})));
      },
      report: (launch, report) => {
        if (report.launch === launch.name && launch.live !== undefined) this.#heard(launch.live.ordinal, report);
      },
      log: (launch, record) => {
        if (record.launch === launch.name) write(this.#options.log, record);
      },
      on: { stopping: (launch) => this.#over(launch) },
    });
  }

  #begin(context: Context): Launch {
    const { index, execute, log } = this.#options;
    const name = `${context.path}.${++this.#launches}`;
    const execution = this.#execute(() => execute(name, context.self.toRef().cUid));
    const launch = new Launch(name, execution, this.#options);
    this.#watch.begin();
    this.#launch = launch;
    void execution.ended.then((ending) => {
      if (launch.isOver) return;
      const error = new UnreachableError(`Partition ${index} (${execution.place}) is gone: ${ending.cause}.`);
      log.error('a partition has ended by itself', { partition: index, place: execution.place, ...ending });
      if (this.#isStopping) return;
      this.#failed(error);
      // One that was never there fails the start of its runtime instead.
      if (this.#hasComeUp) context.fail(error);
    });
    return launch;
  }

  #execute(execute: () => Execution): Execution {
    try {
      return execute();
    } catch (cause) {
      const error = new UnreachableError(`Partition ${this.index} cannot be started: ${messageOf(cause)}`, { cause });
      this.#failed(error);
      throw error;
    }
  }

  async #register(address: string): Promise<number> {
    const [ordinal] = await this.#options.client().registerPartitions([address]);
    if (ordinal === undefined) throw new ProtocolError('The control plane gave no ordinal for a partition.');
    return ordinal;
  }

  async #activate(launch: Launch, partition: v1.PartitionToActivate, context: Context): Promise<void> {
    const { client, log, index } = this.#options;
    const hosted = context.ref(v1.HostedPartition, required(partition.hosted, 'hosted'));
    const segmentsManager = required(partition.segmentsManager, 'segments_manager');
    const ordinal = await launch.ordinal;
    if (ordinal === undefined) throw new ProtocolError('A partition enrols before it is activated.');
    launch.live = { ordinal, hosted, segmentsManager };
    this.#heard(ordinal, required(partition.report, 'report'));
    await client().activatePartition(ordinal, segmentsManager);
    await client().registerName(`millrace/partition/${ordinal}`, required(partition.partition, 'partition'));
    await client().registerName(`millrace/segments-manager/${ordinal}`, segmentsManager);
    log.debug('partition is up', { partition: index, ordinal, place: launch.execution.place });
    this.#hasComeUp = true;
    this.#came();
  }

  #heard(ordinal: number, report: v1.PartitionReport): void {
    this.#watch.heard();
    this.#view = new ReportedPartition(ordinal, report, () => this.#watch.state);
  }

  /** Once a second. A partition that does not answer is ended when a segment was to have stopped: nothing else stops its code. */
  #look(launch: Launch): void {
    if (launch.live === undefined || launch.isOver) return;
    const before = this.#watch.state;
    this.#watch.look();
    const { state, silentMs, isOverdue } = this.#watch;
    const about = { partition: this.index, place: launch.execution.place, silentMs };
    if (state !== before) this.#options.log[state === 'wedged' ? 'error' : 'warn'](`a partition is ${state}`, about);
    if (!isOverdue || launch.isHanging) return;
    this.#options.log.warn('a partition hangs, and is ended', about);
    void launch.endHanging();
  }

  /** Before it begins anew, or ends for good. */
  async #over(launch: Launch): Promise<void> {
    await launch.end();
    const ordinal = await launch.ordinal?.catch(() => undefined);
    // What it had asked for before its end is undone, not overtaken.
    await launch.activated?.catch(() => {});
    if (ordinal === undefined || this.#isStopping) return;
    const cause = launch.ending?.cause ?? 'it was stopped';
    await this.#options.client().retirePartition(ordinal, `partition ${ordinal} is gone: ${cause}`);
  }
}

/** One that has ended may still be heard: that is no failure of the one that came after. */
function stale(name: string): Later<never> {
  return later(Promise.reject(new ProtocolError(`${name} is no launch of this partition any more.`)));
}

function required<T>(value: T | undefined, field: string): T {
  if (value === undefined) throw new ProtocolError(`A partition that is activated says its "${field}".`);
  return value;
}

function write(log: Logger, { level, message, fields }: v1.PartitionLog): void {
  const known = LOG_LEVELS.find((name) => name === level) ?? 'info';
  const parsed: unknown = JSON.parse(fields);
  log[known](message, typeof parsed === 'object' && parsed !== null ? { ...parsed } : {});
}
