import { limits } from '../../../limits.js';
import type { Logger } from '../../../logging/index.js';
import type { Scheduler } from '../../../scheduler/index.js';
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
}

/** The infrastructure of a real process: links over sockets, each with the key of the run. */
export async function openInfrastructure(
  { name, folder, key, listen, advertisedHost }: InfrastructureLinks,
  scheduler: Scheduler,
  log: Logger,
): Promise<Infrastructure> {
  const links = {
    key,
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
