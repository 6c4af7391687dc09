/**
 * Containers: a component with an environment that is kept between its calls, hooks, and direct calls of other components in the same container.
 * A container is an actor that `runtime.place` starts. Users declare components here, and place as many containers as they need. Nothing here may
 * decide how many containers there are.
 */
export { type ContainerControl, containerControl } from './control-service.js';
export {
  type AnyContained,
  type ComponentCall,
  type ComponentDefinition,
  type ComponentHandlers,
  type ContainedComponent,
  defineComponent,
  isContained,
} from './define.js';
export type { DirectCalls } from './direct.js';
export type { ComponentHooks, ComponentManifest, Manifest } from './manifest.js';
