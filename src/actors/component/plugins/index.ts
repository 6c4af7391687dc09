/**
 * What may be replaced in a network of components: its security, the answers to what happens in the life of a container, what hears of all that, and how components are
 * found and loaded. Networks, pools and containers call them. A plugin that fails must not fail a request.
 */
export { type ContainerView, type LifeCyclePlugin, LifeCycle, type ZombieResponse } from './life-cycle.js';
export type { ComponentLoader, FoundComponents, LoaderContext, LoaderPlugin } from './loader.js';
export { type ComponentEvent, type ComponentObserver, guardedObserver } from './observer.js';
export { checkPlugins, type NetworkPlugins } from './network-plugins.js';
export {
  type ContainerArgs,
  openWith,
  sealWith,
  securityOf,
  type StateSecurity,
  stateSecurityIn,
} from './sealed-state.js';
export {
  defineSecurity,
  isSecurity,
  type SecurityDefinition,
  type SecurityProvider,
  type StateLabel,
} from './security.js';
export { type CipherKey, type StateCipher, stateCipher } from './state-cipher.js';
