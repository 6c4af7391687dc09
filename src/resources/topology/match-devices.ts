import { type CpuSet, intersection, overlaps } from './cpu-set.js';
import type { Device } from './devices.js';
import { below, type Topology } from './topology.js';

/**
 * Assigns devices to domains; returns the indices of each domain's devices. A device is assigned to the domain that contains most of
 * its nearest processors. Where these contain several whole domains, the domains share their devices: neighbours on the bus stay
 * together, every device is assigned, and where there are fewer devices than domains, several domains get the same device.
 */
export function matchDevices(
  topology: Topology,
  domains: readonly CpuSet[],
  devices: readonly Device[],
): readonly (readonly number[])[] {
  const matched = domains.map((): number[] => []);
  for (const { near, together } of groups(topology, domains, devices)) {
    const rounds = Math.max(near.length, together.length);
    for (let round = 0; round < rounds; round++) {
      const domain = near[Math.floor((round * near.length) / rounds)];
      const device = together[Math.floor((round * together.length) / rounds)];
      if (domain !== undefined && device !== undefined) matched[domain]?.push(device);
    }
  }
  return matched.map((indices) => indices.toSorted((left, right) => left - right));
}

/** Devices with the same nearest domains. */
interface Group {
  readonly near: readonly number[];
  readonly together: number[];
}

function groups(topology: Topology, domains: readonly CpuSet[], devices: readonly Device[]): Iterable<Group> {
  const found = new Map<string, Group>();
  devices.forEach((device, index) => {
    const near = nearest(domains, reachable(topology, domains, device.cpus));
    const group = found.get(near.join()) ?? { near, together: [] };
    found.set(near.join(), group);
    group.together.push(index);
  });
  return found.values();
}

/** Indices of the domains that lie within the processors of a device; if none does, of the domain that contains most of them. */
function nearest(domains: readonly CpuSet[], cpus: CpuSet): readonly number[] {
  const shared = domains.map((domain) => intersection(domain, cpus).length);
  const within = indicesWhere(domains, (domain, index) => domain.length > 0 && shared[index] === domain.length);
  if (within.length > 0) return within;
  const most = Math.max(...shared);
  return most > 0 ? indicesWhere(shared, (count) => count === most).slice(0, 1) : [];
}

/** A device's nearest usable processors. If its nearest ones are not usable: those of the smallest enclosing object that has usable ones. */
function reachable(topology: Topology, domains: readonly CpuSet[], cpus: CpuSet): CpuSet {
  const usable = domains.flat();
  if (overlaps(cpus, usable)) return cpus;
  const around = below(topology.machine)
    .filter((object) => object.cpus.length > cpus.length && intersection(cpus, object.cpus).length === cpus.length)
    .toSorted((left, right) => left.cpus.length - right.cpus.length);
  return around.find((object) => overlaps(object.cpus, usable))?.cpus ?? usable;
}

function indicesWhere<T>(values: readonly T[], isWanted: (value: T, index: number) => boolean): readonly number[] {
  return values.flatMap((value, index) => (isWanted(value, index) ? [index] : []));
}
