import { limits } from '../../../limits.js';
import type { Logger } from '../../../logging/index.js';
import type { Scheduler } from '../../../scheduler/index.js';
import { readTlsFiles } from '../../../transport/handshake/index.js';
import type { TlsFiles } from '../../../transport/index.js';
import { everywhereKind } from '../../../transport/kinds/index.js';
import { ResourceError } from '../../../errors.js';
import { Infrastructure } from '../infrastructure.js';

export interface InfrastructureLinks {
  readonly name: string;
  /** Of the sockets of this process. */
  readonly folder: string;
  readonly key: string;
  readonly listen: string;
  readonly advertisedHost: string;
  /** For `tls:` addresses. */
  readonly tls: TlsFiles | undefined;
}

/**
 * The infrastructure of a real process: links over sockets, each with the key of the run. Rejects with ConfigError for files of TLS that cannot
 * be used.
 */
export async function openInfrastructure(
  { name, folder, key, listen, advertisedHost, tls: files }: InfrastructureLinks,
  scheduler: Scheduler,
  log: Logger,
): Promise<Infrastructure> {
  const tls = files && readTlsFiles(files);
  const links = {
    key,
    ...(tls && { tls }),
    keyless: 'nowhere',
    socketFolder: folder,
    listen,
    ...(advertisedHost !== '' && { advertisedHost }),
  } as const;
  const sockets = await everywhereKind.open({ scheduler, log, links, linkDeadMs: limits.linkDeadMs });
  const [layer] = sockets.layers(listen, 0);
  if (layer === undefined) throw new ResourceError(`The infrastructure cannot listen at ${listen}.`);
  return Infrastructure.open({ name, transport: layer.transport, scheduler, log });
}
