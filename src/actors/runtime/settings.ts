import type { OptionValues } from '../../options/index.js';
import { parseCpuList, type SystemOptions, usableParallelism } from '../../resources/index.js';
import type { NetworkSettings } from './network/index.js';
import type { RuntimeOptions } from './runtime-options.js';

/** Converts resolved options to the settings of a runtime's partitions, mailboxes, links and streams. */
export function runtimeSettings(values: OptionValues): RuntimeOptions {
  const { askTimeoutMs, callChain, stopTimeoutMs, mailboxMessages, mailboxBytes } = values;
  const { maxMessageBytes, linkBacklogBytes } = values;
  return {
    node: values.nodeName,
    ...(values.controlPlane !== 'none' && { controlPlane: values.controlPlane }),
    ...(values.clusterStore !== 'none' && { clusterStore: values.clusterStore }),
    ...(values.seeds.length > 0 && { network: networkSettings(values) }),
    clusterRole: values.clusterRole,
    ...(values.leaseMs !== 'auto' && { leaseMs: values.leaseMs }),
    system: systemSettings(values),
    placement: values.placement,
    kernelLimits: { askTimeoutMs, callChain, stopTimeoutMs, mailboxMessages, mailboxBytes },
    linkLimits: { maxMessageBytes, linkBacklogBytes },
    borrowedFields: values.borrowedFields,
    streamWindow: { items: values.streamItems, bytes: values.streamBytes },
  };
}

function networkSettings({ seeds, peersFile, probeMs, coordinationBytes }: OptionValues): NetworkSettings {
  return { seeds, peersFile, probeMs, coordinationBytes };
}

function systemSettings({ partitions, cpuset }: OptionValues): SystemOptions {
  const narrowed = cpuset === '' ? {} : { cpuset };
  if (partitions !== 'auto') {
    return { ...narrowed, ...(typeof partitions === 'number' ? { partitions } : { strategy: partitions }) };
  }
  const most = cpuset === '' ? Number.POSITIVE_INFINITY : new Set(parseCpuList(cpuset)).size;
  return { ...narrowed, partitions: Math.min(usableParallelism(), most) };
}
