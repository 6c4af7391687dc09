import type { AnyService } from '../../../protocol/index.js';
import type { ActorRef, Place, Placeable, PlaceArguments, PlaceInstances, PlaceOptions } from '../../kernel/index.js';
import type { Component } from './component.js';
import type { Components } from './components.js';
import { checkPlace } from './place-options.js';

type Given = Omit<PlaceOptions, 'instances'> & { readonly instances?: number | undefined; readonly args?: unknown };

/** Places one actor for each of the encoded arguments. */
export interface Placing {
  place<S extends AnyService>(
    component: Component<S>,
    args: readonly Uint8Array[],
    options: PlaceOptions,
  ): Promise<readonly ActorRef<S>[]>;
}

/** The encoded arguments of each instance. */
function argsOf(component: Component, args: unknown, instances: number | undefined): readonly Uint8Array[] {
  if (instances === undefined) return [component.encodeArgs(args)];
  if (isFunction(args)) return Array.from({ length: instances }, (_, index) => component.encodeArgs(args(index)));
  const shared = component.encodeArgs(args);
  return Array.from({ length: instances }, () => shared);
}

function isFunction(args: unknown): args is (index: number) => unknown {
  return typeof args === 'function';
}

/**
 * `call` names the function in errors. `assertRuns` throws when nothing may be placed any more; `components` are those of the partition that
 * places.
 */
export function placeBy(
  call: string,
  placing: Placing,
  components: Components,
  assertRuns: (what: string) => void,
): Place {
  function place<S extends AnyService, Args>(
    component: Placeable<S, Args>,
    options: PlaceInstances<Args>,
  ): Promise<readonly ActorRef<S>[]>;
  function place<S extends AnyService, Args>(
    component: Placeable<S, Args>,
    ...options: PlaceArguments<Args>
  ): Promise<ActorRef<S>>;
  async function place<S extends AnyService>(
    component: Placeable<S>,
    given: Given = {},
  ): Promise<ActorRef<S> | readonly ActorRef<S>[]> {
    checkPlace(call, component, given);
    assertRuns(`An actor of component "${component.name}"`);
    components.add(component);
    const { args, instances, ...options } = given;
    const encoded = argsOf(component, args, instances);
    const refs = await placing.place(component, encoded, instances === undefined ? options : { ...options, instances });
    const [ref] = refs;
    return instances === undefined && ref !== undefined ? ref : refs;
  }
  return place;
}
