import type { Peer } from './peer.js';

/** The placement of the far end, and the library between both ends. */
export interface Subject {
  readonly placement: 'process' | 'thread';
  load(): Promise<Peer>;
}

const typed = async (listen: string, ucx: 'off' | 'required'): Promise<Peer> =>
  (await import('./peers/millrace-typed.js')).typed(listen, ucx);
const net = async (listen: string): Promise<Peer> => (await import('./peers/millrace-raw.js')).rawNet(listen);
const webSocket = async (): Promise<Peer> => (await import('./peers/millrace-raw.js')).rawWs();
const zmq = async (listen: string): Promise<Peer> => (await import('./peers/millrace-raw.js')).rawZmq(listen);
const ucx = async (listen: string): Promise<Peer> => (await import('./peers/millrace-raw.js')).rawUcx(listen);
const sockets = async (kind: 'unix' | 'tcp'): Promise<Peer> => (await import('./peers/node-net.js')).nodeNet(kind);
const zeromq = async (kind: 'ipc' | 'tcp'): Promise<Peer> => (await import('./peers/zeromq.js')).zeromq(kind);
const messagePort = async (kind: 'clone' | 'transfer'): Promise<Peer> =>
  (await import('./peers/message-port.js')).messagePort(kind);

/** All subjects with two ends, by name. */
export const subjects: Readonly<Record<string, Subject>> = {
  'millrace typed (ucx)': { placement: 'process', load: () => typed('unix:', 'required') },
  'millrace typed (unix)': { placement: 'process', load: () => typed('unix:', 'off') },
  'millrace typed (tcp)': { placement: 'process', load: () => typed('tcp://127.0.0.1:0', 'off') },
  'millrace raw (ucx)': { placement: 'process', load: () => ucx('unix:') },
  'millrace raw (ucx tcp)': { placement: 'process', load: () => ucx('tcp://127.0.0.1:0') },
  'millrace raw (unix)': { placement: 'process', load: () => net('unix:') },
  'millrace raw (tcp)': { placement: 'process', load: () => net('tcp://127.0.0.1:0') },
  'millrace raw (ws)': { placement: 'process', load: webSocket },
  'millrace raw (zmq ipc)': { placement: 'process', load: () => zmq('zmq+ipc:') },
  'millrace raw (zmq tcp)': { placement: 'process', load: () => zmq('zmq+tcp://127.0.0.1:0') },
  'node:net (unix)': { placement: 'process', load: () => sockets('unix') },
  'node:net (tcp)': { placement: 'process', load: () => sockets('tcp') },
  'ws (tcp)': { placement: 'process', load: async () => (await import('./peers/ws.js')).ws },
  'zeromq (ipc)': { placement: 'process', load: () => zeromq('ipc') },
  'zeromq (tcp)': { placement: 'process', load: () => zeromq('tcp') },
  'grpc-js (tcp)': { placement: 'process', load: async () => (await import('./peers/grpc.js')).grpc },
  'millrace typed (ucx, threads)': { placement: 'thread', load: () => typed('unix:', 'required') },
  'millrace typed (unix, threads)': { placement: 'thread', load: () => typed('unix:', 'off') },
  'millrace raw (ucx, threads)': { placement: 'thread', load: () => ucx('unix:') },
  'millrace raw (unix, threads)': { placement: 'thread', load: () => net('unix:') },
  'MessagePort (clone, threads)': { placement: 'thread', load: () => messagePort('clone') },
  'MessagePort (transfer, threads)': { placement: 'thread', load: () => messagePort('transfer') },
};
