import { cpuSet, type CpuSet } from './cpu-set.js';
import type { IoCard, IoDevice } from './topology.js';
import type { XmlElement } from './xml-elements.js';
import { objectsIn, processorsOf, type Refuse, typeOf } from './xml-objects.js';

const INPUT_OUTPUT = new Set(['Bridge', 'PCIDev', 'OSDev', 'Misc']);
/** By hwloc's numbers. */
const DEVICE_TYPES = ['block', 'gpu', 'network', 'openfabrics', 'dma', 'coproc'];

export function isInputOutput(element: XmlElement): boolean {
  return INPUT_OUTPUT.has(typeOf(element));
}

/**
 * What hangs on the buses below an element, in the order of the file. `near` are the processors of the nearest object that has some:
 * those which its devices are nearest to.
 */
export function readCards(element: XmlElement, near: CpuSet, refuse: Refuse): readonly IoCard[] {
  return objectsIn(element).flatMap((child) => {
    switch (typeOf(child)) {
      case 'PCIDev':
        return [readCard(child, near), ...readCards(child, near, refuse).filter(isOnTheBus)];
      case 'OSDev':
        return [{ cpus: near, devices: readDevices([child]) }, ...readCards(child, near, refuse).filter(isOnTheBus)];
      case 'Bridge':
        return readCards(child, near, refuse);
      case 'Misc':
      case 'NUMANode':
        return [];
      default:
        return readCards(child, cpuSet(processorsOf(child, refuse)), refuse);
    }
  });
}

function readCard(element: XmlElement, cpus: CpuSet): IoCard {
  const { pci_busid: pciAddress, pci_type: pciType } = element.attributes;
  return {
    ...(pciAddress === undefined ? {} : { pciAddress }),
    ...(pciType === undefined ? {} : { pciClass: pciType.slice(0, 4) }),
    cpus,
    devices: readDevices(objectsIn(element)),
  };
}

/** The operating-system devices among objects, and those within them: one card may show itself as several. */
function readDevices(elements: readonly XmlElement[]): readonly IoDevice[] {
  return elements
    .filter((element) => typeOf(element) === 'OSDev')
    .flatMap((element) => {
      const { name = '', osdev_type: number = '' } = element.attributes;
      return [{ type: DEVICE_TYPES[Number(number)] ?? 'other', name }, ...readDevices(objectsIn(element))];
    });
}

/** What a card holds besides its own operating-system devices. */
function isOnTheBus({ pciAddress }: IoCard): boolean {
  return pciAddress !== undefined;
}
