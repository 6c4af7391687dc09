import { pathToFileURL } from 'node:url';
import type { startManaged } from '#src/actors/services/programs/managed-process.js';
import { v1 } from '#src/protocol/index.js';
import { RealScheduler } from '#src/scheduler/index.js';

type Managed = Parameters<typeof startManaged>[0];

/** What a node without others needs to start the module as the process `head`, in a folder. */
export function managedStart(module: string, folder: string): Omit<Managed, 'output' | 'log'> {
  return {
    spec: v1.ProcessToStart.create({ pUid: 2n ** 32n, name: 'head', module: pathToFileURL(module).href }),
    identity: { index: 0, nodes: 1, address: 'none', globalServices: undefined },
    scheduler: new RealScheduler(),
    start: {
      run: 'run',
      folder,
      key: '',
      listen: 'unix:',
      advertisedHost: '',
      secret: '',
      launcher: 'unix:/launcher',
      store: undefined,
      tls: undefined,
      version: '',
      environment: {},
      logLevel: 'warn',
      node: 'node-0',
    },
    folder,
    cpus: 1,
  };
}
