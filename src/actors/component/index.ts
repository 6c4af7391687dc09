/**
 * Containers: a component with an environment that is kept between its calls, hooks, and direct calls of other components in the same container.
 * A container is an actor that `runtime.place` starts; `pool` lends the containers of a process to requests, and `network` finds them for callers. Nothing
 * here may decide how many containers there are.
 */
export { type ContainerControl, containerControl } from './control-service.js';
export {
  type AnyContained,
  type ComponentCall,
  type ComponentDefinition,
  type ComponentHandlers,
  type ContainedComponent,
  defineComponent,
  handledThrough,
  isContained,
  isOfComponent,
} from './define.js';
export type { DirectCalls } from './direct.js';
export {
  checkPlugins,
  type CipherKey,
  type ComponentEvent,
  type ComponentLoader,
  type ComponentObserver,
  type ContainerArgs,
  type ContainerView,
  defineSecurity,
  type FoundComponents,
  isSecurity,
  type LifeCyclePlugin,
  type LoaderContext,
  type LoaderPlugin,
  type NetworkPlugins,
  type SecurityDefinition,
  type SecurityProvider,
  type StateCipher,
  stateCipher,
  type StateLabel,
  type StateSecurity,
  type ZombieResponse,
} from './plugins/index.js';
export { type GatewayRoute, joinNetworks, type JoinNetworksOptions, type NetworkGateway } from './gateway/index.js';
export type { ComponentHooks, ComponentManifest, ContainerRange, Manifest } from './manifest.js';
export {
  capacityKey,
  CapacityLimits,
  type ClusterCapacity,
  type ComponentClient,
  ComponentNetwork,
  componentNetwork,
  everyPoolGroup,
  type ComponentRequestOptions,
  type ComponentStreamOptions,
  type NetworkProgram,
  type NetworkProgramContext,
  poolsKey,
  type Reach,
  type ReachedNetwork,
  type ComponentLoad,
  type ServedComponent,
  type ServedPool,
  type ServeOptions,
  type SharedCapacity,
  type Tolerance,
} from './network/index.js';
