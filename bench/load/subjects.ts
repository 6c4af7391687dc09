import type { LoadPeer } from './peer.js';

/** The placement of the far end, and the library between both ends. `here`: there is no far end. */
export interface LoadSubject {
  readonly placement: 'process' | 'thread' | 'here';
  load(): Promise<LoadPeer>;
}

const millrace = () => import('./peers/millrace.js');
const linked = async (listen: string, ucx: 'off' | 'required'): Promise<LoadPeer> =>
  (await millrace()).linked(listen, ucx);

/** All subjects, by name. */
export const loadSubjects: Readonly<Record<string, LoadSubject>> = {
  'millrace, one partition': { placement: 'here', load: async () => (await millrace()).onePartition },
  'millrace, memory link': { placement: 'here', load: async () => (await millrace()).memoryLink },
  'millrace, unix': { placement: 'process', load: () => linked('unix:', 'off') },
  'millrace, tcp': { placement: 'process', load: () => linked('tcp://127.0.0.1:0', 'off') },
  'millrace, ucx': { placement: 'process', load: () => linked('unix:', 'required') },
  'millrace, unix to a thread': { placement: 'thread', load: () => linked('unix:', 'off') },
  'nact, one process': { placement: 'here', load: async () => (await import('./peers/nact.js')).nactInOneProcess },
  'grpc-js, tcp': { placement: 'process', load: async () => (await import('./peers/grpc.js')).grpc },
  'zeromq, tcp': { placement: 'process', load: async () => (await import('./peers/zeromq.js')).zeromq },
};
