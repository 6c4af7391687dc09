import { type Subject, subjects } from '../transport/subjects.js';
import type { Peer } from '../transport/peer.js';

const values = async (birth: 'pool' | 'heap'): Promise<Peer> =>
  (await import('./published-values.js')).publishedValues(birth);

/** Those of the transport suite that carry values of any size, by the names there. */
const BESIDE = [
  'millrace typed (unix)',
  'node:net (unix)',
  'zeromq (ipc)',
  'grpc-js (tcp)',
  'MessagePort (transfer, threads)',
];

/** What large values travel by. `copied`: the writer has them in memory of its own. */
export const valueSubjects: Readonly<Record<string, Subject>> = {
  'millrace values': { placement: 'process', load: () => values('pool') },
  'millrace values, copied': { placement: 'process', load: () => values('heap') },
  'millrace values (threads)': { placement: 'thread', load: () => values('pool') },
  'SharedArrayBuffer (threads)': {
    placement: 'thread',
    load: async () => (await import('./shared-memory.js')).sharedMemory,
  },
  ...Object.fromEntries(Object.entries(subjects).filter(([name]) => BESIDE.includes(name))),
};
