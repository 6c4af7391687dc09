import { ConfigError } from '../../../errors.js';
import { shownValue } from '../../../foreign.js';
import { accepted, checkOptions } from '../../../options/index.js';
import type { LifeCyclePlugin } from './life-cycle.js';
import type { ComponentObserver } from './observer.js';
import { isSecurity, type SecurityProvider } from './security.js';

/** What a network of components does in another way. */
export interface NetworkPlugins {
  /** Seals the states that `served.replace` transfers. Default: they are as the components write them. */
  readonly security?: SecurityProvider | undefined;
  readonly lifeCycle?: LifeCyclePlugin | undefined;
  /** Hears of all that happens to containers and requests: for logs and monitoring. */
  readonly observe?: ComponentObserver | undefined;
}

/** Throws ConfigError for what is no plugin. */
export function checkPlugins(of: string, plugins: NetworkPlugins): void {
  checkOptions(of, plugins, { security: accepted.object, lifeCycle: accepted.object, observe: accepted.callback });
  const { security, lifeCycle } = plugins;
  if (security !== undefined && !isSecurity(security)) {
    throw new ConfigError(`security of ${of} must be what defineSecurity returns, not ${shownValue(security)}.`);
  }
  const functions = { wedged: accepted.callback, recycles: accepted.callback };
  checkOptions(`lifeCycle of ${of}`, lifeCycle, functions);
}
