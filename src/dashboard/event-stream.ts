import type { ServerResponse } from 'node:http';
import { messageOf, namedMessageOf } from '../foreign.js';
import type { ClusterWatch } from '../introspection/index.js';
import type { Logger } from '../logging/index.js';
import type { Scheduler } from '../scheduler/index.js';

/** Bytes that a browser may be behind: it gets no view until it has read them. */
const BACKLOG_BYTES = 1_048_576;

export interface EventStreamOptions {
  readonly response: ServerResponse;
  readonly watch: ClusterWatch;
  readonly scheduler: Scheduler;
  readonly intervalMs: number;
  readonly log: Logger;
}

/** What a cluster does, as server-sent events: a view each interval, or a problem. Ends with the response, and resolves then. */
export function streamViews({ response, watch, scheduler, intervalMs, log }: EventStreamOptions): Promise<void> {
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  let timer: ReturnType<Scheduler['setTimer']> | undefined;
  const send = async (): Promise<void> => {
    timer = undefined;
    if (response.writableLength <= BACKLOG_BYTES) {
      try {
        write('view', await watch.refresh());
      } catch (error) {
        write('problem', { message: messageOf(error) });
      }
    }
    if (!response.writableEnded && !response.destroyed) timer = scheduler.setTimer(intervalMs, () => void send());
  };
  const write = (event: string, data: unknown): void => {
    if (response.writableEnded || response.destroyed) return;
    response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  return new Promise((resolve) => {
    response.on('close', () => {
      if (timer !== undefined) scheduler.clearTimer(timer);
      watch.close();
      resolve();
    });
    response.on('error', (error) => log.debug('a dashboard lost its browser', { error: namedMessageOf(error) }));
    void send();
  });
}
