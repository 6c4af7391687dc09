import { readFileSync } from 'node:fs';
import { devicesOf, domains, formatTopology, matchDevices, readTopology } from '#src/resources/topology/index.js';
import { holds, type Target } from '../target.js';

/** The XML of a machine, and what is derived from it. */
export const topology: Target = {
  seeds: () => [readFileSync('test/resources/topology/machines/one-core.xml'), new TextEncoder().encode(MACHINE)],
  words: [
    '<object type="',
    '<object type="PU" os_index="',
    'cpuset="0x',
    '</object>',
    '<info name="',
    '&amp;',
    '&#',
    '<!DOCTYPE',
    '<![CDATA[',
    '<distances',
    'PCIDev',
    'NUMANode',
    ',0x',
    'complete_cpuset="0xf...f"',
  ],
  feed: (bytes) => {
    const machine = readTopology(new TextDecoder().decode(bytes));
    formatTopology(machine);
    for (const strategy of ['machine', 'package', 'numa', 'l3', 'core'] as const) {
      const parts = domains(machine, strategy, machine.allowed);
      const all = parts.flat();
      holds(new Set(all).size === all.length, `${strategy} puts a processor into two domains`);
      matchDevices(machine, parts, devicesOf(machine, 'gpu'));
    }
  },
};

/** Two packages with their memory, two kinds of cores and a GPU. */
const MACHINE = `<topology version="2.0"><object type="Machine" os_index="0" cpuset="0x0f" allowed_cpuset="0x07">
<object type="Package" os_index="0" cpuset="0x3"><object type="NUMANode" os_index="0" cpuset="0x3" local_memory="1024"/>
<object type="L3Cache" cpuset="0x3" cache_size="64"><object type="Core" os_index="0"><object type="PU" os_index="0"/>
<object type="PU" os_index="1"/></object></object></object><object type="Package" os_index="1"><object type="Core">
<object type="PU" os_index="2"/></object><object type="PU" os_index="3"/><object type="Bridge" bridge_type="0-1"><object
type="PCIDev" pci_type="0302 [10de:2330]" pci_busid="0000:01:00.0"><object type="OSDev" name="cuda0" osdev_type="5"><info
name="Backend" value="CUDA"/></object></object></object></object></object><cpukind cpuset="0x3"><info name="CoreType"
value="P"/></cpukind><cpukind cpuset="0xc"><info name="CoreType" value="E"/></cpukind></topology>`;
