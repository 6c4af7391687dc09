import { checkPlugins, type NetworkPlugins } from '../component/index.js';
import type { Logger } from '../../logging/index.js';
import { accepted, checkOptions } from '../../options/index.js';
import type { ScalingStrategy } from './strategy.js';

/** What a node of `millrace up` does in another way, besides its security and its loader: the default export of the module of `--plugins`. */
export interface NodePlugins extends Omit<NetworkPlugins, 'security'> {
  /** Of its governor. */
  readonly strategy?: ScalingStrategy | undefined;
  /** Gets the log of the node and of its containers. What it throws is dropped. */
  readonly log?: Logger | undefined;
}

/** Throws ConfigError for what is no plugin. `of` begins the messages. */
export function checkNodePlugins(of: string, plugins: NodePlugins): void {
  const other = { lifeCycle: accepted.anything, observe: accepted.anything };
  checkOptions(of, plugins, { strategy: accepted.object, log: accepted.object, ...other });
  const { lifeCycle, observe } = plugins;
  checkPlugins(of, { lifeCycle, observe });
}
