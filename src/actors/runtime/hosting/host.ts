import { Deferred } from '../../../deferred.js';
import { ProtocolError, StoppedError, UnreachableError } from '../../../errors.js';
import { messageOf, namedMessageOf } from '../../../foreign.js';
import { limits } from '../../../limits.js';
import { LOG_LEVELS, type Logger } from '../../../logging/index.js';
import { type Ref } from '../../../protocol/index.js';
import { v1 } from '../../../protocol/on-demand/index.js';
import type { Execution } from '../../../resources/execution/index.js';
import { type ControlPlaneClient, spawnerName } from '../../control-plane/index.js';
import {
  type ActorRef,
  type ActorSystem,
  type Behavior,
  behavior,
  type Context,
  isOfThisProcess,
  later,
  type Later,
} from '../../kernel/index.js';
import type { PartitionView } from '../partition-view.js';
import type { HeldActors } from './held-actors.js';
import { HangWatch, type HangWatchOptions, LOOK_MS } from './hang-watch.js';
import { Launch, type LaunchOptions, type Live } from './launch.js';
import { ReportedPartition } from './report.js';

export interface HostOptions extends LaunchOptions, HangWatchOptions {
  readonly system: ActorSystem;
  readonly client: () => ControlPlaneClient;
  readonly contextCallsCUid: bigint;
  /** Holds what other processes have placed in the partition. */
  readonly held: HeldActors;
  /** Its interceptor does no more than run the code: why, in a sentence. */
  readonly interceptorFailed: (message: string) => void;
  /** Starts the partition's thread or process; it will speak to the host at this channel. */
  readonly execute: (launch: string, cUid: bigint) => Execution;
}

/** Restart delays of a partition: starting one is expensive. */
const BACKOFF = { minMs: 100, maxMs: 10_000 };

/**
 * Represents a partition on a thread or in a process: starts it, lets it join, receives its reports, and stops it. If the partition ends by
 * itself, the host's actor fails, and its supervision restarts the partition.
 */
export class PartitionHost {
  readonly #options: HostOptions;
  readonly #up = new Deferred<void>();
  #actor: ActorRef<typeof v1.PartitionHost> | undefined;
  #launch: Launch | undefined;
  #launches = 0;
  #view: PartitionView | undefined;
  #hasComeUp = false;
  readonly #watch: HangWatch;
  /** Its failures were more than its supervision restarts. */
  #isGoneForGood = false;
  #unsubscribe = (): void => {};
  #isStopping = false;
  /** Its runtime was told to stop, and may wait for its work. */
  #isDraining = false;
  /** A launch was ended by force since, or has failed. */
  #wasCutOff = false;
  /** Its runtime ends, so it does not begin anew. */
  #isLast = false;

  constructor(options: HostOptions) {
    this.#options = options;
    this.#watch = new HangWatch(options);
    this.#up.promise.catch(() => {});
  }

  /** Index of the partition in its process. */
  get index(): number {
    return this.#options.index;
  }

  /** Undefined while it is not running. */
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
      state === 'wedged'
        ? ' Stop the pipeline or the placed actor that blocks it: then the partition is ended, and begins anew.'
        : '';
    return `${who} is ${state}: ${what}.${advice}`;
  }

  /** It has said something of itself lately. */
  get isResponsive(): boolean {
    return this.#watch.state === 'responsive';
  }

  get segmentsManager(): Ref | undefined {
    return this.#launch?.live?.segmentsManager;
  }

  /** Undefined while actors cannot be placed there. */
  get spawner(): Ref | undefined {
    return this.#launch?.live?.spawner;
  }

  /** Its last report; undefined while it is not running. */
  get view(): PartitionView | undefined {
    return this.ordinal === undefined ? undefined : this.#view;
  }

  /** One of its segments or placed actors was told to stop. */
  stopping(segment: number | string): void {
    this.#watch.stopping(segment);
  }

  /** One of its segments or placed actors is gone. */
  gone(segment: number | string): void {
    this.#watch.gone(segment);
  }

  /** Resolves when the partition has started. Rejects at its first failure, or at a deadline. */
  async start(): Promise<void> {
    const { scheduler, system, index } = this.#options;
    const actor = system.spawn(this.#behavior(), { name: `partition-host-${index}` });
    this.#actor = actor;
    this.#unsubscribe = system.failures.subscribe(({ path }) => {
      this.#isGoneForGood ||= path === `${system.name}/${actor.name}`;
    });
    const timeoutMs = 4 * limits.controlPlaneTimeoutMs;
    const timer = scheduler.setTimer(timeoutMs, () =>
      this.#up.reject(new UnreachableError(`Partition ${index} did not come up within ${timeoutMs} ms.`)),
    );
    try {
      await this.#up.promise;
    } finally {
      scheduler.clearTimer(timer);
    }
  }

  /** Resolves when it has sent a report; from then on, it reports often. */
  refresh(): Promise<void> {
    return this.#ask((hosted) => hosted.look({}));
  }

  /** Lets it accept no new work; resolves when it has sent a report after that. */
  drain(): Promise<void> {
    return this.#ask((hosted) => hosted.drain({}));
  }

  async #ask(question: (hosted: Live['hosted']) => Promise<v1.PartitionReport>): Promise<void> {
    const launch = this.#launch;
    if (launch?.live === undefined) return;
    try {
      const report = await question(launch.live.hosted);
      if (launch === this.#launch) this.#onReport(launch.live.ordinal, report);
    } catch (error) {
      // The last report stays valid. If the partition has ended, its launch reports that.
      this.#options.log.debug('a partition did not answer', { partition: this.index, error: namedMessageOf(error) });
    }
  }

  /** Its runtime was told to stop. A launch that does not stop in order from now on is counted, also one that begins anew. */
  stopBegins(): void {
    this.#isDraining = true;
  }

  /** Its runtime begins to end: it does not begin anew. */
  leave(): void {
    this.#isLast = true;
  }

  async stopSegments(): Promise<void> {
    this.#stopping();
    await this.#launch?.stopSegments();
  }

  /** Stops the partition, and its thread or process; terminates it if it does not end by itself, and resolves to false then. */
  async stop(handlerTimeoutMs: number | undefined): Promise<boolean> {
    this.#stopping();
    if (this.#launch?.isOver === false) await this.#launch.stop(handlerTimeoutMs);
    this.#unsubscribe();
    // A restart may be pending.
    if (this.#actor !== undefined) await this.#options.system.stop(this.#actor);
    return !this.#wasCutOff && this.#launch?.isCutOff !== true;
  }

  /** Ends it at once, and notifies nobody. */
  async kill(): Promise<void> {
    this.#stopping();
    await this.#launch?.kill();
  }

  #stopping(): void {
    this.#isStopping = true;
    this.#up.reject(new StoppedError(`The runtime was stopped before partition ${this.index} was there.`));
  }

  // ---- the actor

  #behavior(): Behavior<typeof v1.PartitionHost, Launch> {
    return behavior(v1.PartitionHost, {
      supervision: { onFailure: 'restart', backoff: BACKOFF },
      state: (context) => {
        const launch = this.#begin(context);
        context.every(LOOK_MS, () => this.#check(launch));
        return launch;
      },
      enrol: (launch, { launch: name, address }, context) => {
        if (!isOfThisProcess(context, { address })) return foreign();
        if (launch.name !== name) return stale(name);
        launch.address = address;
        launch.ordinal ??= this.#register(address);
        const client = this.#options.client().actor.toRef().cUid;
        const spawnerHost = this.#options.held.actor.toRef().cUid;
        const { contextCallsCUid: contextCalls } = this.#options;
        return later(launch.ordinal.then((ordinal) => ({ ordinal, client, spawnerHost, contextCalls })));
      },
      activate: (launch, partition, context) => {
        if (!isOfThisProcess(context, { address: launch.address })) return foreign();
        if (launch.name !== partition.launch) return stale(partition.launch);
        launch.activated ??= this.#activate(launch, partition, context);
        return later(launch.activated.then(() => ({})));
      },
      report: (launch, report, context) => {
        if (!isOfThisProcess(context, { address: launch.address })) return;
        if (report.launch === launch.name && launch.live !== undefined) this.#onReport(launch.live.ordinal, report);
      },
      log: (launch, record, context) => {
        if (record.launch === launch.name && isOfThisProcess(context)) write(this.#options.log, record);
      },
      interceptorFailed: (_launch, { message }, context) => {
        if (isOfThisProcess(context)) this.#options.interceptorFailed(message);
      },
      on: { stopping: (launch) => this.#launchEnded(launch) },
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
      this.#up.reject(error);
      // A partition that has never started fails the start of its runtime instead.
      if (!this.#hasComeUp) return;
      if (this.#isLast && this.#actor !== undefined) void this.#options.system.stop(this.#actor);
      else context.fail(error);
    });
    return launch;
  }

  #execute(execute: () => Execution): Execution {
    try {
      return execute();
    } catch (cause) {
      const error = new UnreachableError(`Partition ${this.index} cannot be started: ${messageOf(cause)}`, { cause });
      this.#up.reject(error);
      throw error;
    }
  }

  async #register(address: string): Promise<number> {
    const [ordinal] = await this.#options.client().registerPartitions([address]);
    if (ordinal === undefined) throw new ProtocolError('The control plane assigned no ordinal to a partition.');
    return ordinal;
  }

  async #activate(launch: Launch, partition: v1.PartitionToActivate, context: Context): Promise<void> {
    const { client, log, index } = this.#options;
    const hosted = context.ref(v1.HostedPartition, required(partition.hosted, 'hosted'));
    const segmentsManager = required(partition.segmentsManager, 'segments_manager');
    const spawner = required(partition.spawner, 'spawner');
    const ordinal = await launch.ordinal;
    if (ordinal === undefined) throw new ProtocolError('A partition must enrol before it is activated.');
    launch.live = { ordinal, hosted, segmentsManager, spawner };
    this.#onReport(ordinal, required(partition.report, 'report'));
    await client().activatePartition(ordinal, segmentsManager);
    await client().registerName(`millrace/partition/${ordinal}`, required(partition.partition, 'partition'));
    await client().registerName(`millrace/segments-manager/${ordinal}`, segmentsManager);
    await client().registerName(spawnerName(ordinal), spawner);
    log.debug('partition is up', { partition: index, ordinal, place: launch.execution.place });
    this.#hasComeUp = true;
    this.#up.resolve();
  }

  #onReport(ordinal: number, report: v1.PartitionReport): void {
    this.#watch.heard();
    this.#view = new ReportedPartition(ordinal, report, () => this.#watch.state);
  }

  /** Once a second. A partition that does not answer is ended when a segment was to have stopped: nothing else stops its code. */
  #check(launch: Launch): void {
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

  /** Cleans up after a launch, before a restart or the final end. */
  async #launchEnded(launch: Launch): Promise<void> {
    if (this.#isDraining && launch.live !== undefined && !launch.isOver) this.#wasCutOff = true;
    await launch.end();
    const ordinal = await launch.ordinal?.catch(() => undefined);
    // Waits for requests of the launch, so that they do not take effect after the retirement.
    await launch.activated?.catch(() => {});
    if (ordinal === undefined) return;
    this.#options.held.partitionEnded(ordinal);
    if (this.#isStopping) return;
    const cause = launch.ending?.cause ?? 'it was stopped';
    await this.#options.client().retirePartition(ordinal, `partition ${ordinal} is gone: ${cause}`);
  }
}

/** Refuses a message of an ended launch, without a failure of the present one. */
function stale(name: string): Later<never> {
  return later(Promise.reject(new ProtocolError(`${name} is no launch of this partition any more.`)));
}

/** Refuses a message of another process, or of another partition, without a failure of the launch. */
function foreign(): Later<never> {
  const text = 'A request in the name of a partition was refused: it did not arrive over a link of that partition.';
  return later(Promise.reject(new ProtocolError(text)));
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
