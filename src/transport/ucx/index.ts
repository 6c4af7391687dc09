/**
 * The `ucx` transport: links over shared memory on one host, and over TCP on trusted interfaces, through rings that the native shim
 * (native-shims/ucx) shares with this thread. The runtime makes one for each process; the first link loads the native code. It must never
 * give UCX an address from an unauthenticated peer.
 */
export type { ShimFiles } from './kind.js';
export { ucxKind } from './kind.js';
export { reapThread, silenceThread } from './open-ucx.js';
export { UcxLibrary } from './ucx-library.js';
export { UcxTransport, type UcxStatistics, type UcxTransportOptions } from './transport.js';
