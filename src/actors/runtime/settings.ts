import { availableParallelism } from 'node:os';
import type { OptionValues } from '../../options/index.js';
import type { RuntimeOptions } from './runtime-options.js';

/** What the resolved options say of a runtime: how they reach its partitions, mailboxes, links and streams. */
export function runtimeSettings(values: OptionValues): RuntimeOptions {
  const { partitions, askTimeoutMs, stopTimeoutMs, mailboxMessages, mailboxBytes, maxMessageBytes, linkBacklogBytes } =
    values;
  return {
    node: values.nodeName,
    ...(values.controlPlane !== 'none' && { controlPlane: values.controlPlane }),
    system: { partitions: partitions === 'auto' ? availableParallelism() : partitions },
    kernelLimits: { askTimeoutMs, stopTimeoutMs, mailboxMessages, mailboxBytes },
    linkLimits: { maxMessageBytes, linkBacklogBytes },
    streamWindow: { items: values.streamItems, bytes: values.streamBytes },
  };
}
