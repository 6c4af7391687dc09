import { Deferred } from '../../../deferred.js';
import { ConfigError, ProtocolError, UnreachableError } from '../../../errors.js';
import { backendFrontendCUid } from '../../../ids/index.js';
import { v1 } from '../../../protocol/index.js';
import type { Execution } from '../../../resources/execution/index.js';
import { assertSentFrom, type Behavior, behavior, type Context, later } from '../../kernel/index.js';
import type { Infrastructure } from '../infrastructure.js';
import { assertStartSecret, newStartSecret } from '../start-secret.js';

/** A host on which a node runs. */
export interface Host {
  /** Of the node: node-0, node-1, and so on. */
  readonly node: string;
  /** Empty: this machine. */
  readonly host: string;
}

/** What a backend is started with. */
export interface BackendStart {
  readonly index: number;
  readonly host: Host;
  readonly hostId: bigint;
  /** Where the launcher is reached. */
  readonly launcher: string;
  /** See newStartSecret. */
  readonly secret: string;
}

/** What the launcher shows of a run. */
export interface Display {
  /** Resolves when more can be written. */
  output(node: string, written: v1.ProcessOutput): void | Promise<void>;
  record(node: string, record: v1.LogRecord): void;
  /** Nothing more comes from a node. */
  ended(node: string): void | Promise<void>;
  /** So many nodes have done a step. */
  progress(step: string, waitsFor: string, done: number, nodes: number): void;
}

export interface FrontendOptions {
  readonly infrastructure: Infrastructure;
  readonly start: Omit<BackendStart, 'secret'>;
  readonly execute: (start: BackendStart) => Execution;
  readonly display: Display;
  /** A part of the node has ended by itself. */
  readonly failed: (failure: v1.PartFailed) => void;
  /** Global services of the node serve after others. */
  readonly servicesUp: (place: v1.GlobalServicesPlace) => void;
  readonly version: string;
}

export interface ListenerOptions {
  readonly node: string;
  /** Of the start data of the node. */
  readonly secret: string;
  readonly display: Display;
  readonly failed: (failure: v1.PartFailed) => void;
  readonly servicesUp?: (place: v1.GlobalServicesPlace) => void;
  /** `context`: of the actor that listens. */
  readonly backendIsUp: (backend: v1.BackendUp, context: Context) => void;
  /** What the actor watches has ended. */
  readonly ended?: () => void;
}

/** Hears the backend of one node, and shows what comes from there. */
export function listener(options: ListenerOptions): Behavior<typeof v1.Launcher, undefined> {
  const { node, secret, display, failed, servicesUp, backendIsUp, ended } = options;
  let address: string | undefined;
  const assertOfNode = (context: Context): void => {
    if (address === undefined) {
      throw new ProtocolError(`What ${node} says was refused: its backend has not greeted yet.`);
    }
    assertSentFrom(context, address, `What ${node} says`);
  };
  return behavior(v1.Launcher, {
    supervision: { onFailure: 'resume' },
    backendIsUp: (_state, backend, context) => {
      assertStartSecret(backend.secret, secret, `The greeting of ${node}`);
      assertSentFrom(context, address ?? backend.address, `What ${node} says`);
      backendIsUp(backend, context);
      address = backend.address;
      return {};
    },
    output: (_state, written, context) => {
      assertOfNode(context);
      return later(Promise.resolve(display.output(node, written)).then(() => ({})));
    },
    records: (_state, { records, dropped }, context) => {
      assertOfNode(context);
      for (const record of records) display.record(node, record);
      if (dropped > 0) display.record(node, droppedRecord(dropped));
      return {};
    },
    failed: (_state, failure, context) => {
      assertOfNode(context);
      failed(failure);
      return {};
    },
    globalServicesUp: (_state, place, context) => {
      assertOfNode(context);
      servicesUp?.(place);
      return {};
    },
    on: { terminated: () => ended?.() },
  });
}

/** The launcher's end of one node: starts its backend, hears of it, and ends it. */
export class Frontend {
  readonly #options: FrontendOptions;
  readonly #secret = newStartSecret();
  readonly #up = new Deferred<v1.BackendUp>();
  #execution: Execution | undefined;
  #backend: v1.BackendUp | undefined;
  #isEnding = false;

  constructor(options: FrontendOptions) {
    this.#options = options;
    this.#up.promise.catch(() => {});
  }

  get index(): number {
    return this.#options.start.index;
  }

  /** Undefined before it is up. */
  get place(): v1.NodePlace | undefined {
    const { index, hostId } = this.#options.start;
    return this.#backend && v1.NodePlace.create({ index, hostId, address: this.#backend.address });
  }

  /** As global services know it. Undefined before it is up. */
  get joined(): v1.JoinedNode | undefined {
    const { index, host } = this.#options.start;
    return this.#backend && v1.JoinedNode.create({ index, name: host.node, address: this.#backend.address });
  }

  /** Its topology is undefined before the backend is up. */
  topology(): v1.TopologyOfNodeInit {
    const { node, host } = this.#options.start.host;
    return { node, host, topology: this.#backend?.topology };
  }

  describe(): v1.NodeDescriptionInit {
    const { index, host } = this.#options.start;
    const { address = '', pid = 0, cpus = 0 } = this.#backend ?? {};
    return { index, name: host.node, address, pid, cpus };
  }

  /** Starts the backend. Resolves when it has said that it is up; rejects with UnreachableError when it ends before, ConfigError for another version. */
  async start(): Promise<void> {
    const { infrastructure, start, execute } = this.#options;
    const { index, host, hostId } = start;
    infrastructure.spawn(this.#behavior(), { name: `frontend-${index}`, cUid: backendFrontendCUid(hostId) });
    const execution = execute({ ...start, secret: this.#secret });
    this.#execution = execution;
    void execution.ended.then(({ cause }) => {
      const where = host.host === '' ? execution.place : `${host.host}, ${execution.place}`;
      this.#ended(`the backend of ${host.node} (${where}) has ended: ${cause}`);
    });
    await this.#up.promise;
  }

  /** From now on its end is no failure. */
  halting(): void {
    this.#isEnding = true;
  }

  /** Ends the backend, at the latest when its patience is over. Resolves when it has ended. */
  async end(patienceMs: number): Promise<void> {
    this.#isEnding = true;
    const execution = this.#execution;
    if (execution === undefined) return;
    execution.end();
    const { scheduler } = this.#options.infrastructure;
    const timer = scheduler.setTimer(patienceMs, () => execution.kill());
    await execution.ended;
    scheduler.clearTimer(timer);
  }

  #behavior(): Behavior<typeof v1.Launcher, undefined> {
    const { display, failed, servicesUp, start } = this.#options;
    const backendIsUp = (backend: v1.BackendUp): void => this.#onBackendUp(backend);
    return listener({ node: start.host.node, secret: this.#secret, display, failed, servicesUp, backendIsUp });
  }

  #onBackendUp(backend: v1.BackendUp): void {
    const { start, version } = this.#options;
    if (backend.hostId !== start.hostId) {
      throw new ConfigError(
        `Host id ${backend.hostId} speaks on the channel of host id ${start.hostId}: that of ${start.host.node}.`,
      );
    }
    this.#backend ??= backend;
    if (backend.version === version) this.#up.resolve(backend);
    else {
      const where = start.host.host === '' ? 'this machine' : start.host.host;
      this.#up.reject(
        new ConfigError(`${where} has Millrace ${backend.version}, and the launcher ${version}: install the same.`),
      );
    }
  }

  #ended(cause: string): void {
    this.#up.reject(new UnreachableError(`${cause[0]?.toUpperCase()}${cause.slice(1)}.`));
    if (!this.#isEnding) this.#options.failed(v1.PartFailed.create({ node: this.index, part: 'backend', cause }));
  }
}

function droppedRecord(dropped: number): v1.LogRecord {
  const message = `${dropped} log records below the level error were dropped: there were too many`;
  return v1.LogRecord.create({ process: 'logging', level: 'warn', message, fields: '{}' });
}
