import { limits } from '../../limits.js';
import type { Logger } from '../../logging/index.js';
import { type Scheduler, systemEntropy } from '../../scheduler/index.js';
import { checkSecurity, listenAddress } from '../../transport/handshake/index.js';
import type { LinkSecurity, Transport } from '../../transport/index.js';
import { NetTransport } from '../../transport/net/index.js';
import { type Layer, StackTransport } from '../../transport/stack/index.js';
import { UcxLibrary, UcxTransport } from '../../transport/ucx/index.js';
import type { LinkSettings } from './net-options.js';

export interface OutsideOptions extends LinkSettings {
  readonly scheduler: Scheduler;
  readonly log: Logger;
  /** Of this thread. Default: one of its own. */
  readonly library?: UcxLibrary;
}

interface OutsideLayer extends Layer {
  readonly transport: Transport & { abort(): Promise<void> };
}

/**
 * The ways out of a partition by itself: of one that has a thread or a process of its own. ResourceError where UCX is required, and is not
 * there.
 */
export function outsideTransport(options: OutsideOptions, partition = 0): Transport {
  const { scheduler, log } = options;
  const layers = outsideLayers(options)(partition);
  return new StackTransport({ scheduler, log, program: Buffer.from(systemEntropy(8)).toString('hex'), layers });
}

/** Makes the ways to processes of the operating system, for each partition of a program: the nearest first. */
export function outsideLayers(options: OutsideOptions): (partition: number) => OutsideLayer[] {
  const { net, linkDeadMs = limits.linkDeadMs, scheduler, log } = options;
  const { ucx = 'auto', ucxInterfaces: interfaces = [], ...links } = net;
  const { library = new UcxLibrary({ log }) } = options;
  const isUcxUsed = ucx !== 'off' && isUsable(library, ucx === 'required', links, log);
  return (partition) => {
    const listen = listenOf(partition, links.listen);
    const own = { ...links, scheduler, log, linkDeadMs };
    const layers: OutsideLayer[] = [
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

/** False where there is no UCX, or its sockets could not know who comes: that is logged. */
function isUsable(library: UcxLibrary, isRequired: boolean, links: LinkSecurity, log: Logger): boolean {
  if (isRequired) {
    checkSecurity(listenAddress('unix:'), links);
    library.load();
    return true;
  }
  if (links.keyless === 'nowhere' && links.key === undefined) {
    log.info('UCX is not used: keyless is nowhere, and there is no cluster key.');
    return false;
  }
  return library.isInstalled();
}

/** The first partition is at the address that was given; the others, next to it, are found through the control plane. */
function listenOf(partition: number, listen = 'unix:'): string {
  if (partition === 0) {
    return listen;
  }
  return listen.startsWith('unix:') ? 'unix:' : withAnyPort(listen);
}

function withAnyPort(listen: string): string {
  return listen.replace(/:\d+$/, ':0');
}
