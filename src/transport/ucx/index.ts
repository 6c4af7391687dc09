/**
 * The `ucx` transport: links over shared memory on one host, and over TCP on trusted interfaces, through rings that the native shim
 * (native-shims/ucx) shares with this thread. Whoever starts a process makes one; neither that nor listening loads native code, the first
 * link does. It must never hand UCX an address that came from a stranger.
 */
export type { ShimFiles } from './library.js';
export { reapThread, silenceThread } from './thread-end.js';
export { UcxLibrary } from './ucx-library.js';
export { UcxTransport, type UcxStatistics, type UcxTransportOptions } from './transport.js';
