import { ResourceError } from '../../errors.js';
import type { Logger } from '../../logging/index.js';
import { abandonSockets, checkSecurity, listenAddress, removeLeftSockets } from '../handshake/index.js';
import type { ExternalLayer, OpenKind, OpenKindOptions } from '../kind.js';
import type { LinkSecurity } from '../link-options.js';
import type { ShimFiles, UcxSettings } from './kind.js';
import { loadShim } from './library.js';
import { UcxTransport } from './transport.js';
import { UcxLibrary } from './ucx-library.js';

/**
 * Makes the kind ready on this thread, without loading UCX where that is not required. Throws ResourceError if UCX is required and
 * missing, ConfigError if it is required and could not authenticate peers.
 */
export function openUcx(options: OpenKindOptions<UcxSettings>, files: ShimFiles): OpenKind {
  const { links, ...common } = options;
  const { ucx, ucxInterfaces: interfaces = [], ...security } = links;
  const library = new UcxLibrary({ log: options.log, files });
  if (!isUsable(library, ucx === 'required', security, options.log)) return { layers: () => [] };
  const own = { ...security, ...common, library };
  const sharedMemory = (): ExternalLayer => ({
    transport: new UcxTransport({ ...own, listen: 'unix:' }),
    schemes: ['ucx+unix:'],
  });
  const overTcp = (listen: string): ExternalLayer => ({
    transport: new UcxTransport({ ...own, fabric: 'tcp', interfaces, listen: listen.replace(/:\d+$/, ':0') }),
    schemes: ['ucx+tcp:', 'ucx+tls:'],
  });
  return {
    library,
    layers: (listen) =>
      interfaces.length > 0 && !listen.startsWith('unix:') ? [sharedMemory(), overTcp(listen)] : [sharedMemory()],
    silence: (threadId) => whereUcxIs(() => silenceThread(threadId, files)),
    sweep: async (addresses, threadId) => {
      if (threadId !== undefined) whereUcxIs(() => reapThread(threadId, files));
      await removeLeftSockets(addresses);
    },
    abandon: abandonSockets,
  };
}

/**
 * Silences the rings of a thread. Call it on another thread, right before `worker.terminate()` or `process.exit()`: an event of the rings
 * during the termination would abort the process. Rings that are asleep are woken first, which takes up to 100 ms where the thread is
 * busy. Returns false if they did not wake up: the event loop of a thread that hangs may have polled an event before, and such an event
 * cannot be withdrawn.
 */
export function silenceThread(threadId: number, files?: ShimFiles): boolean {
  return loadShim(files).quiet(threadId) === 1;
}

/** Closes the rings that a worker thread left open. Call it on the `exit` event of the thread. Returns the number of rings. */
export function reapThread(threadId: number, files?: ShimFiles): number {
  return loadShim(files).reap(threadId);
}

/** False where UCX is not installed, or its sockets could not authenticate peers; the latter is logged. */
function isUsable(library: UcxLibrary, isRequired: boolean, security: LinkSecurity, log: Logger): boolean {
  if (isRequired) {
    checkSecurity(listenAddress('unix:'), security);
    library.load();
    return true;
  }
  if (security.keyless === 'nowhere' && security.key === undefined) {
    log.info('UCX is not used, because the option keyless is "nowhere" and there is no cluster key.');
    return false;
  }
  return library.isInstalled();
}

function whereUcxIs(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    // Without UCX the thread had no rings.
    if (!(error instanceof ResourceError)) throw error;
  }
}
