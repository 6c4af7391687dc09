import { type MillraceError, ProtocolError, UnreachableError } from '../../../errors.js';
import { limits } from '../../../limits.js';
import { LOG_LEVELS, type Logger } from '../../../logging/index.js';
import { type Ref, v1 } from '../../../protocol/index.js';
import type { Ending, Execution } from '../../../resources/execution/index.js';
import type { Scheduler } from '../../../scheduler/index.js';
import type { ControlPlaneClient } from '../../control-plane/index.js';
import { type ActorRef, type ActorSystem, type Behavior, behavior, type Context, later } from '../../kernel/index.js';
import type { PartitionView } from '../partition-view.js';
import { ReportedPartition } from './report.js';

export interface HostOptions {
  /** Index of the partition in its process. */
  readonly index: number;
  readonly system: ActorSystem;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  readonly client: () => ControlPlaneClient;
  /** Time that handlers of the partition have to end, in ms. */
  readonly stopTimeoutMs: number;
  /** Starts the partition's thread or process; it will speak to the host at this channel. */
  readonly execute: (launch: string, cUid: bigint) => Execution;
  /** Called when an execution has ended without being asked to; it may have left something at its address. */
  readonly cleanUp: (execution: Execution, address: string) => Promise<void>;
}

/** Time that what was asked to end has before it is ended, in ms. */
const GRACE_MS = 1_000;
/** Waits before a partition begins anew: it is no small thing to start. */
const BACKOFF = { minMs: 100, maxMs: 10_000 };

/** The references of a partition that has come up. */
interface Live {
  readonly ordinal: number;
  readonly hosted: ActorRef<typeof v1.HostedPartition>;
  readonly segmentsManager: Ref;
}

/** One launch of the partition. */
interface Launch {
  readonly name: string;
  readonly execution: Execution;
  address: string;
  ordinal: Promise<number> | undefined;
  activated: Promise<void> | undefined;
  live: Live | undefined;
  ending: Ending | undefined;
  isOver: boolean;
}

/**
 * Stands for a partition that runs on a thread or in a process of its own: starts it, lets it join, hears from it, and ends it. When it ends by
 * itself that is a failure of the actor behind this, whose supervision has it begin anew.
 */
export class PartitionHost {
  readonly #options: HostOptions;
  readonly #up: Promise<void>;
  #came: () => void = () => {};
  #failed: (error: MillraceError) => void = () => {};
  #launch: Launch | undefined;
  #launches = 0;
  #view: PartitionView | undefined;
  #isStopping = false;

  constructor(options: HostOptions) {
    this.#options = options;
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

  get segmentsManager(): Ref | undefined {
    return this.#launch?.live?.segmentsManager;
  }

  /** As it said last; undefined while it is not there. */
  get view(): PartitionView | undefined {
    return this.ordinal === undefined ? undefined : this.#view;
  }

  /** Resolves when the partition is there for the first time. What it failed with otherwise, at the first failure; never later than a deadline. */
  async start(): Promise<void> {
    const { scheduler, system, index } = this.#options;
    system.spawn(this.#behavior(), { name: `partition-host-${index}` });
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

  /** It takes nothing new; its reports come often from here on. */
  drain(): void {
    this.#launch?.live?.hosted.drain({}).catch(() => {
      // It is gone: what it had to do is over.
    });
  }

  async stopSegments(): Promise<void> {
    const hosted = this.#launch?.live?.hosted;
    const { stopTimeoutMs, log, index } = this.#options;
    try {
      await hosted?.stopSegments({}, { timeoutMs: stopTimeoutMs + GRACE_MS });
    } catch (error) {
      log.warn('the segments of a partition did not stop', { partition: index, error: String(error) });
    }
  }

  /** Ends the partition and what it runs on; whatever does not end by itself is ended. */
  async stop(handlerTimeoutMs: number | undefined): Promise<void> {
    this.#isStopping = true;
    const launch = this.#launch;
    if (launch === undefined) return;
    const { stopTimeoutMs } = this.#options;
    launch.isOver = true;
    // What does not answer is ended all the same.
    await launch.live?.hosted.stop({ handlerTimeoutMs }, { timeoutMs: GRACE_MS }).catch(() => {});
    const patienceMs = launch.live === undefined ? 0 : 2 * stopTimeoutMs + limits.linkLingerMs;
    await this.#endsWithin(launch, patienceMs);
    await this.#end(launch);
    launch.live = undefined;
  }

  /** Ends it at once, and tells nobody. */
  async kill(): Promise<void> {
    this.#isStopping = true;
    const launch = this.#launch;
    if (launch !== undefined) {
      launch.isOver = true;
      await this.#end(launch);
      launch.live = undefined;
    }
  }

  // ---- the actor

  #behavior(): Behavior<typeof v1.PartitionHost, Launch> {
    return behavior(v1.PartitionHost, {
      supervision: { onFailure: 'restart', backoff: BACKOFF },
      state: (context) => this.#begin(context),
      enrol: (launch, { launch: name, address }) => {
        check(launch, name);
        launch.address = address;
        launch.ordinal ??= this.#register(address);
        const client = this.#options.client().actor.toRef().cUid;
        return later(launch.ordinal.then((ordinal) => ({ ordinal, client })));
      },
      activate: (launch, partition, context) => {
        check(launch, partition.launch);
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
    const execution = execute(name, context.self.toRef().cUid);
    const launch: Launch = {
      name,
      execution,
      address: '',
      ordinal: undefined,
      activated: undefined,
      live: undefined,
      ending: undefined,
      isOver: false,
    };
    this.#launch = launch;
    void execution.ended.then((ending) => {
      launch.ending = ending;
      if (launch.isOver) return;
      const error = new UnreachableError(`Partition ${index} (${execution.place}) is gone: ${ending.cause}.`);
      log.error('a partition has ended by itself', { partition: index, place: execution.place, cause: ending.cause });
      this.#failed(error);
      context.fail(error);
    });
    return launch;
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
    this.#came();
  }

  #heard(ordinal: number, report: v1.PartitionReport): void {
    this.#view = new ReportedPartition(ordinal, report);
  }

  /** Before it begins anew, or ends for good. */
  async #over(launch: Launch): Promise<void> {
    launch.isOver = true;
    await this.#end(launch);
    launch.live = undefined;
    const ordinal = await launch.ordinal?.catch(() => undefined);
    if (ordinal === undefined || this.#isStopping) return;
    const cause = launch.ending?.cause ?? 'it was stopped';
    await this.#options.client().retirePartition(ordinal, `partition ${ordinal} is gone: ${cause}`);
  }

  // ---- ending

  async #end(launch: Launch): Promise<void> {
    if (launch.ending === undefined) launch.execution.end();
    if (!(await this.#endsWithin(launch, GRACE_MS))) launch.execution.kill();
    const { isClean } = await launch.execution.ended;
    if (!isClean) await this.#options.cleanUp(launch.execution, launch.address);
  }

  async #endsWithin({ execution }: Launch, timeoutMs: number): Promise<boolean> {
    const { scheduler } = this.#options;
    return new Promise((resolve) => {
      const timer = scheduler.setTimer(timeoutMs, () => resolve(false));
      void execution.ended.then(() => {
        scheduler.clearTimer(timer);
        resolve(true);
      });
    });
  }
}

function check(launch: Launch, name: string): void {
  if (launch.name !== name) throw new ProtocolError(`${name} is no launch of this partition any more.`);
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
