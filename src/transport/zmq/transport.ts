import { limits } from '../../limits.js';
import { type StreamStatistics, StreamTransport, type StreamTransportOptions } from '../byte-stream/index.js';
import type { RepeatCounters } from '../transport.js';
import { hostThreads } from './relay-host.js';
import { zeroMqProtocol } from './protocol.js';

export interface ZeroMqTransportOptions extends StreamTransportOptions {
  /** `zmq+ipc:` or `zmq+tcp://host:port`. Default `zmq+ipc:`, a socket file in a private folder. */
  readonly listen?: string;
}

export { hostThreads };

/** Links over ZeroMQ. */
export class ZeroMqTransport extends StreamTransport {
  readonly #totals: RepeatCounters;

  constructor(options: ZeroMqTransportOptions) {
    const totals = { dropped: 0, sentAgain: 0, receivedAgain: 0 };
    const { scheduler, linkDeadMs = limits.linkDeadMs, listen = 'zmq+ipc:' } = options;
    super('zmq', zeroMqProtocol({ scheduler, linkDeadMs, totals }), { ...options, listen });
    this.#totals = totals;
    hostThreads();
  }

  override get statistics(): StreamStatistics & RepeatCounters {
    return { ...super.statistics, ...this.#totals };
  }
}
