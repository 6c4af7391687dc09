import { cpuSet, type CpuSet } from './cpu-set.js';
import type { IoCard, IoDevice } from './topology.js';
import type { XmlElement } from './xml-elements.js';
import { objectsIn, processorsOf, type Refuse, typeOf } from './xml-objects.js';

const INPUT_OUTPUT = new Set(['Bridge', 'PCIDev', 'OSDev', 'Misc']);
/** By the numbers of hwloc 2. */
const DEVICE_TYPES = ['block', 'gpu', 'network', 'openfabrics', 'dma', 'coproc'];
/** By the bits of hwloc 3: storage, memory, GPU, co-processor, network, OpenFabrics, DMA engine. */
const BITS = { gpu: 4, coproc: 8, network: 16, openfabrics: 32, dma: 64, block: 3 };

/** The type of an operating-system device, from its `osdev_type` and its name. */
export type DeviceType = (number: number, name: string) => string;

/** In XML of hwloc 2. */
export const deviceType: DeviceType = (number) => DEVICE_TYPES[number] ?? 'other';

/** In XML of hwloc 3, where a device may have several types. Selects one by hwloc 3's own rule for writing XML of hwloc 2. */
export const deviceTypeByBits: DeviceType = (bits, name) => {
  if ((bits & BITS.block) > 0) return 'block';
  if ((bits & BITS.openfabrics) > 0) return 'openfabrics';
  if ((bits & BITS.network) > 0) return 'network';
  if ((bits & BITS.dma) > 0) return 'dma';
  if ((bits & BITS.coproc) > 0) return /^(nvml|rsmi)/.test(name) ? 'gpu' : 'coproc';
  return (bits & BITS.gpu) > 0 ? 'gpu' : 'other';
};

export function isInputOutput(element: XmlElement): boolean {
  return INPUT_OUTPUT.has(typeOf(element));
}

/**
 * The cards on the buses below an element, in the order of the file. `near` are the processors of the closest enclosing object that has
 * any: the nearest processors of its devices.
 */
export function readCards(
  element: XmlElement,
  near: CpuSet,
  typeOfDevice: DeviceType,
  refuse: Refuse,
): readonly IoCard[] {
  return objectsIn(element).flatMap((child) => {
    switch (typeOf(child)) {
      case 'PCIDev':
        return [
          readCard(child, near, typeOfDevice),
          ...readCards(child, near, typeOfDevice, refuse).filter(isOnTheBus),
        ];
      case 'OSDev':
        return [
          { cpus: near, devices: readDevices([child], typeOfDevice) },
          ...readCards(child, near, typeOfDevice, refuse).filter(isOnTheBus),
        ];
      case 'Bridge':
        return readCards(child, near, typeOfDevice, refuse);
      case 'Misc':
      case 'NUMANode':
        return [];
      default:
        return readCards(child, cpuSet(processorsOf(child, refuse)), typeOfDevice, refuse);
    }
  });
}

function readCard(element: XmlElement, cpus: CpuSet, typeOfDevice: DeviceType): IoCard {
  const { pci_busid: pciAddress, pci_type: pciType } = element.attributes;
  return {
    ...(pciAddress === undefined ? {} : { pciAddress }),
    ...(pciType === undefined ? {} : { pciClass: pciType.slice(0, 4) }),
    cpus,
    devices: readDevices(objectsIn(element), typeOfDevice),
  };
}

/** The operating-system devices among objects, and those within them: one card may appear as several devices. */
function readDevices(elements: readonly XmlElement[], typeOfDevice: DeviceType): readonly IoDevice[] {
  return elements
    .filter((element) => typeOf(element) === 'OSDev')
    .flatMap((element) => {
      const { name = '', osdev_type: number = '' } = element.attributes;
      return [{ type: typeOfDevice(Number(number), name), name }, ...readDevices(objectsIn(element), typeOfDevice)];
    });
}

/** A card within another card, rather than an operating-system device of it. */
function isOnTheBus({ pciAddress }: IoCard): boolean {
  return pciAddress !== undefined;
}
