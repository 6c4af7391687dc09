import type { CpuSet } from './cpu-set.js';
import type { IoCard, Topology } from './topology.js';

/** A GPU or another accelerator, or a network interface, with the nearest processors. */
export interface Device {
  readonly kind: 'gpu' | 'network';
  /** Its first name: cuda0, renderD128, eth0; the PCI address where no driver has named it. */
  readonly name: string;
  /** All its names from the operating system and hwloc's plugins. */
  readonly names: readonly string[];
  readonly pciAddress?: string;
  readonly cpus: CpuSet;
}

/** PCI classes of 3D controllers and processing accelerators: they count as GPUs even where no driver has named them. */
const ACCELERATORS = new Set(['0302', '1200']);
/** Names of devices that only display: a server's management controller has such graphics. */
const MERE_DISPLAY = /^(card|controlD)\d+$/;

/** GPUs and network interfaces in the order of the bus. */
export function devicesOf(topology: Topology, kind: Device['kind']): readonly Device[] {
  const isOfKind = kind === 'gpu' ? isGpu : isNetwork;
  return topology.cards
    .filter(isOfKind)
    .map((card) => describe(card, kind))
    .toSorted(
      (left, right) => compare(left.pciAddress ?? '~', right.pciAddress ?? '~') || compare(left.name, right.name),
    );
}

function isGpu({ pciClass = '', devices }: IoCard): boolean {
  return (
    ACCELERATORS.has(pciClass) ||
    devices.some(({ type, name }) => type === 'coproc' || (type === 'gpu' && !MERE_DISPLAY.test(name)))
  );
}

function isNetwork({ devices }: IoCard): boolean {
  return devices.some(({ type }) => type === 'network' || type === 'openfabrics');
}

function describe({ pciAddress, cpus, devices }: IoCard, kind: Device['kind']): Device {
  const wanted = kind === 'gpu' ? ['coproc', 'gpu'] : ['network', 'openfabrics'];
  const names = wanted.flatMap((type) => devices.filter((device) => device.type === type).map(({ name }) => name));
  return {
    kind,
    name: names.find((name) => !MERE_DISPLAY.test(name)) ?? pciAddress ?? '',
    names,
    ...(pciAddress === undefined ? {} : { pciAddress }),
    cpus,
  };
}

/** Orders trailing numbers by value: cuda2 before cuda10. Addresses are hexadecimal and of one length. */
function compare(left: string, right: string): number {
  if (left.length !== right.length && /\d$/.test(left) && /\d$/.test(right)) return left.length - right.length;
  return left < right ? -1 : Number(left > right);
}
