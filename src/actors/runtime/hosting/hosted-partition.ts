import { limits } from '../../../limits.js';
import type { Logger } from '../../../logging/index.js';
import { v1 } from '../../../protocol/on-demand/index.js';
import {
  ownThread,
  type PartitionResources,
  partitionResources,
  type ThreadingResources,
} from '../../../resources/index.js';
import { RealScheduler, type Scheduler } from '../../../scheduler/index.js';
import { retryAsk } from '../../control-plane/index.js';
import { type ActorRef, assertOfThisProcess, behavior, later } from '../../kernel/index.js';
import { PartitionRuntime } from '../partition-runtime.js';
import { ExternalTransports } from '../external-transports.js';
import type { OpenedInterceptor } from '../segment-interceptor.js';
import { openInterceptor } from './open-interceptor.js';
import { RemoteLog } from './remote-log.js';
import { reportOf } from './report.js';
import type { PartitionStart } from './start.js';

/** Time between two reports to the host, in ms; once that looks, the second. */
const REPORT_MS = 1_000;
const WATCHED_REPORT_MS = 25;
/** How the error of one begins that another process has sent. */
const ORDER = 'An order to a partition';

type Host = ActorRef<typeof v1.PartitionHost>;

/** The partition on a thread or in a process: joins the cluster through its host, follows the host's requests, and ends with it. */
export class HostedPartition {
  readonly #start: PartitionStart;
  #scheduler: Scheduler = new RealScheduler();
  readonly #log: RemoteLog;
  #host: Host | undefined;
  /** What the host is told when it can be reached. */
  readonly #failures: string[] = [];
  #ended: (() => void) | undefined;
  #listening: Promise<string> | undefined;
  #external: ExternalTransports | undefined;
  #address = '';
  #handlerTimeoutMs: number | undefined;
  #opened: OpenedInterceptor | undefined;

  constructor(start: PartitionStart) {
    this.#start = start;
    this.#log = new RemoteLog(start.launch);
  }

  /** Resolves when the partition has ended and its resources are closed. */
  async run(): Promise<void> {
    const { plan, initializers } = this.#start;
    const log = this.#log.logger.child({ partition: plan.index });
    const threading = await ownThread({ plan, initializers, log });
    const opened = await openInterceptor(this.#start.interceptor, (message) => this.#interceptorFailed(message));
    this.#opened = opened;
    this.#scheduler = opened?.interceptor.scheduler(this.#scheduler) ?? this.#scheduler;
    const partition = new PartitionRuntime({
      ...this.#start,
      processKey: () => this.#start.processKey,
      resources: await this.#resources(threading, log),
      isLossy: () => false,
      interceptor: opened?.interceptor,
      // Who runs the pipeline is on another thread or in another process.
      threw: undefined,
      tracing: undefined,
      mainComponents: new Map(),
      log,
    });
    try {
      await this.#live(partition);
    } finally {
      await this.#close(partition);
      opened?.close();
    }
  }

  #interceptorFailed(message: string): void {
    if (this.#host === undefined) this.#failures.push(message);
    else this.#host.interceptorFailed({ message });
  }

  async #resources(threading: ThreadingResources, log: Logger): Promise<PartitionResources> {
    const { plan, hostPartition: host, links } = this.#start;
    const scheduler = this.#scheduler;
    try {
      const external = await ExternalTransports.open({ ...links, scheduler, log });
      this.#external = external;
      const { libraries } = external;
      const transport = () => external.transport(plan.index);
      return partitionResources({ plan, host, threading, scheduler, libraries, transport, log });
    } catch (error) {
      await threading.close();
      throw error;
    }
  }

  /** Resolves when it can be abandoned: not while it opens a socket. */
  async abandonable(): Promise<void> {
    await this.#listening?.catch(() => {});
  }

  /** When its thread or process ends all at once: what others would find of it is removed. */
  abandon(): void {
    this.#external?.abandon(this.#address);
  }

  async #live(partition: PartitionRuntime): Promise<void> {
    const { launch, host: place } = this.#start;
    this.#listening = partition.listen();
    const address = await this.#listening;
    this.#address = address;
    const host = partition.system.referenceTo(
      v1.PartitionHost,
      partition.router.routeTo(place.address, place.cUid, v1.PartitionHost.typeName),
    );
    this.#log.sendTo((record) => host.log(record));
    this.#host = host;
    for (const message of this.#failures) host.interceptorFailed({ message });
    const enrolled = await this.#ask((options) => host.enrol({ launch, address }, options));
    const { ordinal, client, spawnerHost: spawnerHostCUid, contextCalls: contextCallsCUid } = enrolled;
    partition.joinBeside(ordinal, place.address, { clientCUid: () => client, contextCallsCUid, spawnerHostCUid });
    const ended = new Promise<void>((resolve) => {
      this.#ended = resolve;
    });
    const hosted = partition.system.spawn(this.#behavior(partition, host), { name: 'hosted-partition' });
    await this.#ask((options) =>
      host.activate(
        {
          launch,
          hosted: hosted.toRef(),
          partition: partition.actor.toRef(),
          segmentsManager: partition.segmentsManager.toRef(),
          spawner: partition.spawner.toRef(),
          report: v1.PartitionReport.create(reportOf(partition, launch)),
        },
        options,
      ),
    );
    await ended;
  }

  #behavior(partition: PartitionRuntime, host: Host) {
    const current = (): v1.PartitionReportInit => reportOf(partition, this.#start.launch);
    const report = (): void => void host.report(current());
    let isWatched = false;
    return behavior(v1.HostedPartition, {
      supervision: { onFailure: 'resume' },
      look: (_state, _request, context) => {
        if (!isWatched) context.every(WATCHED_REPORT_MS, report);
        isWatched = true;
        return current();
      },
      drain: (_state, _request, context) => {
        assertOfThisProcess(context, ORDER);
        partition.drain();
        return current();
      },
      stopSegments: (_state, _request, context) => {
        assertOfThisProcess(context, ORDER);
        return later(partition.stopSegments().then(() => ({})));
      },
      stop: (_state, { handlerTimeoutMs }, context) => {
        assertOfThisProcess(context, ORDER);
        this.#handlerTimeoutMs = handlerTimeoutMs;
        this.#opened?.flush();
        report();
        // After the reply, which uses a link of this partition.
        this.#scheduler.scheduleYield(() => this.#ended?.());
        return {};
      },
      on: {
        started: (_state, context) => {
          context.watch(host);
          context.every(REPORT_MS, report);
        },
        terminated: () => this.#ended?.(),
      },
    });
  }

  async #close(partition: PartitionRuntime): Promise<void> {
    const handlerTimeoutMs = this.#handlerTimeoutMs;
    await partition.stopSegments();
    await partition.close(handlerTimeoutMs === undefined ? {} : { handlerTimeoutMs });
  }

  #ask<Reply>(send: Parameters<typeof retryAsk<Reply>>[2]): Promise<Reply> {
    return retryAsk(this.#scheduler, limits.controlPlaneTimeoutMs, send);
  }
}
