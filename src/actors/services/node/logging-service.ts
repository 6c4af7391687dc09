import { UnreachableError } from '../../../errors.js';
import { describeFields, type Logger, writingLogger } from '../../../logging/index.js';
import { v1 } from '../../../protocol/index.js';
import { limits } from '../../../limits.js';
import type { Scheduler } from '../../../scheduler/index.js';
import { type Behavior, behavior, later } from '../../kernel/index.js';

/** Records of one batch. */
const BATCH = 200;
/** Time in ms that a record may wait for others. */
const BATCH_MS = 20;

/**
 * Collects the log records of the processes of a node, and hands them on in batches, one at a time. It keeps `limits.loggedRecords`: past
 * that, records below the level error are dropped and counted, and whoever writes errors waits.
 */
export class LoggingService {
  readonly #scheduler: Scheduler;
  readonly #send: (batch: v1.LogRecordsInit) => Promise<void>;
  #waiting: v1.LogRecord[] = [];
  #dropped = 0;
  #sending: Promise<void> | undefined;
  #room: (() => void)[] = [];

  constructor(scheduler: Scheduler, send: (batch: v1.LogRecordsInit) => Promise<void>) {
    this.#scheduler = scheduler;
    this.#send = send;
  }

  behavior(): Behavior<typeof v1.LoggingService, undefined> {
    return behavior(v1.LoggingService, {
      supervision: { onFailure: 'resume' },
      write: (_state, { records, dropped }) => {
        this.#dropped += dropped;
        return this.#take(records);
      },
      flush: () => later(this.flush().then(() => ({}))),
    });
  }

  /** A logger of this process whose records go the same way. */
  logger(process: string): Logger {
    return writingLogger('debug', (level, message, fields) => {
      const record = v1.LogRecord.create({ process, level, message, fields: JSON.stringify(describeFields(fields)) });
      // Nobody waits for room here, so errors are bounded too.
      if (this.#waiting.length < 2 * limits.loggedRecords) void this.#take([record]);
      else this.#dropped += 1;
    });
  }

  /** Resolves when everything that was taken has been handed on, or could not be. */
  async flush(): Promise<void> {
    while (this.#waiting.length > 0 || this.#sending !== undefined) await (this.#sending ?? this.#start());
  }

  /** Resolves when there is room again. */
  #take(records: readonly v1.LogRecord[]): void | Promise<void> {
    for (const record of records) {
      if (this.#waiting.length < limits.loggedRecords || record.level === 'error') this.#waiting.push(record);
      else this.#dropped += 1;
    }
    if (this.#waiting.length === 0) return;
    void this.#start();
    if (this.#waiting.length > limits.loggedRecords) return new Promise((resolve) => this.#room.push(resolve));
  }

  #start(): Promise<void> {
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  async #sendAll(): Promise<void> {
    await new Promise<void>((resolve) => void this.#scheduler.setTimer(BATCH_MS, resolve));
    while (this.#waiting.length > 0) {
      const records = this.#waiting.slice(0, BATCH);
      const dropped = this.#dropped;
      try {
        await this.#send({ records, dropped });
        this.#dropped -= dropped;
      } catch (error) {
        // The launcher is gone, and the node will end.
        if (error instanceof UnreachableError) {
          this.#waiting = [];
          return;
        }
        this.#dropped += records.length;
      } finally {
        this.#waiting.splice(0, records.length);
        if (this.#waiting.length <= limits.loggedRecords) for (const resolve of this.#room.splice(0)) resolve();
      }
    }
  }
}
