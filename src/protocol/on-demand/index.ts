/**
 * Millrace's own protocols that most programs do not speak: recordings, partitions on threads and in processes, the handshake of sockets, and
 * shared memory. The rooms that speak them are loaded when they are needed, and load them; nothing that `import 'millrace'` loads imports them.
 */
export * as v1 from '../generated/on-demand.js';
