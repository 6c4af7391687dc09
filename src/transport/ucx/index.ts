/**
 * The `ucx` transport: links over shared memory on one host, and over TCP on trusted interfaces, through rings that the native shim
 * (native-shims/ucx) shares with this thread. Whoever starts a process makes one where UCX is; loading it loads no native code, making
 * one does. It must never hand UCX an address that came from a stranger.
 */
export type { ShimFiles } from './library.js';
export { type LinkCounters, UcxLink } from './link.js';
export { reapThread, silenceThread } from './thread-end.js';
export { UcxTransport, type UcxStatistics, type UcxTransportOptions } from './transport.js';
