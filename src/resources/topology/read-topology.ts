import { ConfigError } from '../../errors.js';
import { cpuSet, type CpuSet, intersection, union } from './cpu-set.js';
import { frozen } from './frozen.js';
import { type DeviceType, deviceType, deviceTypeByBits, isInputOutput, readCards } from './read-cards.js';
import type { CpuKind, Topology, TopologyObject } from './topology.js';
import { parseXml, type XmlElement } from './xml-elements.js';
import { bitmapOf, infoOf, numberOf, objectsIn, processorsOf, type Refuse, typeOf } from './xml-objects.js';

/** Memory objects contain no processors: their cpuset lists the nearest ones. */
const MEMORY = new Set(['NUMANode', 'MemCache']);

/**
 * Reads the XML of `lstopo --of xml` and of hwloc's XML export, of hwloc 2 and 3. `origin` names the text in errors. Throws ConfigError,
 * which states the fault.
 */
export function readTopology(xml: string, origin = 'the topology'): Topology {
  const root = parseXml(xml, origin);
  const refuse: Refuse = (fault) => {
    throw new ConfigError(`${origin} is not a topology of hwloc 2 or 3: ${fault}.`);
  };
  if (root.name !== 'topology') return refuse(`its root is <${root.name}>, not <topology>`);
  const { version = '1' } = root.attributes;
  const major = Number(/^(\d+)\./.exec(version)?.[1] ?? 1);
  if (major < 2) {
    return refuse(`it has version ${version}; convert it with hwloc 2: lstopo-no-graphics -i FILE --of xml NEW`);
  }
  if (major > 3) return refuse(`it has version ${version}, which is newer`);
  const [machine, ...others] = objectsIn(root);
  if (machine === undefined || typeOf(machine) !== 'Machine' || others.length > 0) {
    return refuse('it does not consist of one Machine');
  }
  const kinds = root.children.filter(({ name }) => name === 'cpukind');
  return frozen(readMachine(machine, kinds, major < 3 ? deviceType : deviceTypeByBits, refuse));
}

function readMachine(
  element: XmlElement,
  kinds: readonly XmlElement[],
  typeOfDevice: DeviceType,
  refuse: Refuse,
): Topology {
  const processors = processorsOf(element, refuse);
  const all = cpuSet(processors);
  if (all.length === 0) refuse('it has no processor (PU)');
  if (all.length < processors.length) refuse('two processors (PU) have the same os_index');
  const set = (name: string): CpuSet | undefined => bitmapOf(element, name, refuse);
  return {
    machine: readObject(element, all, refuse),
    complete: union(set('complete_cpuset') ?? [], all),
    allowed: intersection(all, set('allowed_cpuset') ?? set('cpuset') ?? all),
    allowedNodes: set('allowed_nodeset') ?? set('nodeset') ?? [],
    kinds: kinds.length < 2 ? [] : kinds.map((kind) => readKind(kind, all, refuse)),
    cards: readCards(element, all, typeOfDevice, refuse),
  };
}

/** The processors of an object are the PUs within it; its cpuset attribute is ignored, so that they cannot contradict. */
function readObject(element: XmlElement, all: CpuSet, refuse: Refuse): TopologyObject {
  const type = typeOf(element);
  const index = numberOf(element, 'os_index', refuse);
  const memory = type === 'NUMANode' ? 0 : undefined;
  const sizeBytes = numberOf(element, 'local_memory', refuse) ?? numberOf(element, 'cache_size', refuse) ?? memory;
  return {
    type,
    ...(index === undefined ? {} : { index }),
    cpus: MEMORY.has(type)
      ? intersection(all, bitmapOf(element, 'cpuset', refuse) ?? [])
      : cpuSet(processorsOf(element, refuse)),
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    children: objectsIn(element)
      .filter((child) => !isInputOutput(child))
      .map((child) => readObject(child, all, refuse)),
  };
}

function readKind(element: XmlElement, all: CpuSet, refuse: Refuse): CpuKind {
  const cpus = intersection(all, bitmapOf(element, 'cpuset', refuse) ?? []);
  return { name: infoOf(element, 'CoreType') ?? '', cpus };
}
