import { namedMessageOf } from '../../../foreign.js';
import type { Logger } from '../../../logging/index.js';
import { settledWithin, type Scheduler } from '../../../scheduler/index.js';
import { formatAddress, parseAddress } from '../../../socket-address.js';

/** Time in which a name of a seed must be resolved, in ms. */
const RESOLVE_MS = 2_000;

/**
 * The addresses of seeds, of which each may be a name of several hosts, such as that of a headless service of Kubernetes: then each of its addresses is
 * one. With TLS a name stays a name, because certificates have names. A name that cannot be resolved in time stays, too: a later attempt may succeed.
 */
export async function resolvedSeeds(seeds: readonly string[], scheduler: Scheduler, log: Logger): Promise<string[]> {
  const all = await Promise.all(seeds.map((seed) => resolved(seed, scheduler, log)));
  return [...new Set(all.flat())];
}

async function resolved(seed: string, scheduler: Scheduler, log: Logger): Promise<readonly string[]> {
  const address = parseAddress(seed);
  if (address === undefined || address.scheme !== 'tcp') return [seed];
  // Loaded when they are needed: few programs have seeds.
  const [{ isIP }, { lookup }] = await scheduler.outside(
    Promise.all([import('node:net'), import('node:dns/promises')]),
  );
  if (isIP(address.host) !== 0) return [seed];
  let hosts: readonly string[] = [];
  const looked = scheduler.outside(lookup(address.host, { all: true })).then(
    (found) => void (hosts = found.map((each) => each.address)),
    (error: unknown) => log.warn('the name of a seed cannot be resolved', { seed, error: namedMessageOf(error) }),
  );
  await settledWithin(scheduler, RESOLVE_MS, looked);
  return hosts.length === 0 ? [seed] : hosts.map((host) => formatAddress({ ...address, host }));
}
