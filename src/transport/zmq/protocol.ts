import type { Scheduler } from '../../scheduler/index.js';
import type { StreamProtocol } from '../handshake/index.js';
import { dial } from './dialer.js';
import { ZeroMqListener } from './listener.js';
import { type GrowingCounters, NumberedStream } from './numbered-stream.js';

/** What the connections of one transport share. */
export interface ZeroMqSettings {
  readonly scheduler: Scheduler;
  /** A host that acknowledges nothing for this long is lost, in ms. */
  readonly linkDeadMs: number;
  /** Of all its connections. */
  readonly totals: GrowingCounters;
}

export function zeroMqProtocol(zmq: ZeroMqSettings): StreamProtocol {
  return {
    schemes: ['zmq+ipc', 'zmq+tcp'],
    dial: (address, security) => dial(address, security, zmq),
    listener: (settings, options, accept) => new ZeroMqListener(settings, options, zmq, accept),
    mediumOf: (socket) => (socket instanceof NumberedStream ? socket.medium : ''),
    repeatsOf: (socket) => (socket instanceof NumberedStream ? socket.repeats : undefined),
  };
}
