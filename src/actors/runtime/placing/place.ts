import type { AnyService } from '../../../protocol/index.js';
import type { ActorRef } from '../../kernel/index.js';
import type { Component } from './component.js';
import type { Components } from './components.js';
import { checkPlace, type PlaceArguments, type PlaceOptions, type PlaceWith } from './place-options.js';
import type { Placements } from './placements.js';

/** `runtime.place`: one actor, or a list of them with `instances`. */
export interface Place {
  <S extends AnyService, Args>(
    component: Component<S, Args>,
    options: PlaceWith<Args> & { readonly instances: number },
  ): Promise<readonly ActorRef<S>[]>;
  <S extends AnyService, Args>(component: Component<S, Args>, ...options: PlaceArguments<Args>): Promise<ActorRef<S>>;
}

type Given = Omit<PlaceOptions, 'instances'> & { readonly instances?: number | undefined; readonly args?: unknown };

/** `assertRuns` throws when nothing may be placed any more; `components` are those of the partition that places. */
export function placeBy(placements: Placements, components: Components, assertRuns: (what: string) => void): Place {
  function place<S extends AnyService, Args>(
    component: Component<S, Args>,
    options: PlaceWith<Args> & { readonly instances: number },
  ): Promise<readonly ActorRef<S>[]>;
  function place<S extends AnyService, Args>(
    component: Component<S, Args>,
    ...options: PlaceArguments<Args>
  ): Promise<ActorRef<S>>;
  async function place<S extends AnyService>(
    component: Component<S>,
    given: Given = {},
  ): Promise<ActorRef<S> | readonly ActorRef<S>[]> {
    checkPlace(component, given);
    assertRuns(`An actor of component "${component.name}"`);
    components.add(component);
    const { args, instances, ...options } = given;
    const refs = await placements.place(component, args, instances === undefined ? options : { ...options, instances });
    const [ref] = refs;
    return instances === undefined && ref !== undefined ? ref : refs;
  }
  return place;
}
