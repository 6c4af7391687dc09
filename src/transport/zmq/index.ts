/**
 * The `zmq` transport: links over ZeroMQ, between a DEALER and the ROUTER of the listener. A connection is a stream of numbered messages, which
 * are repeated when ZeroMQ loses them; the rest is as with sockets. The only room that knows the package `zeromq`, which loads with the
 * first connection.
 */
export { zeroMqKind } from './kind.js';
export { ZeroMqTransport, type ZeroMqTransportOptions } from './transport.js';
