import { limits } from '../../limits.js';
import type { Logger } from '../../logging/index.js';
import { type Scheduler, systemEntropy } from '../../scheduler/index.js';
import { checkSecurity, listenAddress } from '../../transport/handshake/index.js';
import type { LinkSecurity, Transport } from '../../transport/index.js';
import { NetTransport } from '../../transport/net/index.js';
import { type Layer, StackTransport } from '../../transport/stack/index.js';
import { UcxLibrary, UcxTransport } from '../../transport/ucx/index.js';
import type { LinkSettings } from './net-options.js';

export interface ExternalOptions extends LinkSettings {
  readonly scheduler: Scheduler;
  readonly log: Logger;
  /** The UCX library of this thread. Default: a new one. */
  readonly library?: UcxLibrary;
}

interface ExternalLayer extends Layer {
  readonly transport: Transport & { abort(): Promise<void> };
}

/**
 * The transport of a partition on a thread or in a process of its own. Throws ResourceError where UCX is required and missing.
 */
export function externalTransport(options: ExternalOptions, partition = 0): Transport {
  const { scheduler, log } = options;
  const layers = externalLayers(options)(partition);
  return new StackTransport({ scheduler, log, program: Buffer.from(systemEntropy(8)).toString('hex'), layers });
}

/** Returns a function that creates the external transports of a partition, the fastest first. */
export function externalLayers(options: ExternalOptions): (partition: number) => ExternalLayer[] {
  const { net, linkDeadMs = limits.linkDeadMs, scheduler, log } = options;
  const { ucx = 'auto', ucxInterfaces: interfaces = [], ...links } = net;
  const { library = new UcxLibrary({ log }) } = options;
  const isUcxUsed = ucx !== 'off' && isUsable(library, ucx === 'required', links, log);
  return (partition) => {
    const listen = listenOf(partition, links.listen);
    const own = { ...links, scheduler, log, linkDeadMs };
    const layers: ExternalLayer[] = [
      { transport: new NetTransport({ ...own, listen }), schemes: ['unix:', 'tcp:', 'tls:'] },
    ];
    if (!isUcxUsed) return layers;
    if (interfaces.length > 0 && !listen.startsWith('unix:')) {
      const trusted = { fabric: 'tcp', interfaces, listen: withAnyPort(listen) } as const;
      layers.unshift({
        transport: new UcxTransport({ ...own, library, ...trusted }),
        schemes: ['ucx+tcp:', 'ucx+tls:'],
      });
    }
    layers.unshift({ transport: new UcxTransport({ ...own, library, listen: 'unix:' }), schemes: ['ucx+unix:'] });
    return layers;
  };
}

/** False where UCX is not installed, or its sockets could not authenticate peers; the latter is logged. */
function isUsable(library: UcxLibrary, isRequired: boolean, links: LinkSecurity, log: Logger): boolean {
  if (isRequired) {
    checkSecurity(listenAddress('unix:'), links);
    library.load();
    return true;
  }
  if (links.keyless === 'nowhere' && links.key === undefined) {
    log.info('UCX is not used, because the option keyless is "nowhere" and there is no cluster key.');
    return false;
  }
  return library.isInstalled();
}

/** The first partition listens at the given address; the others use any free port, and are found through the control plane. */
function listenOf(partition: number, listen = 'unix:'): string {
  if (partition === 0) {
    return listen;
  }
  return listen.startsWith('unix:') ? 'unix:' : withAnyPort(listen);
}

function withAnyPort(listen: string): string {
  return listen.replace(/:\d+$/, ':0');
}
