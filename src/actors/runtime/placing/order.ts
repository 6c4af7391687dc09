import type { AnyService } from '../../../protocol/index.js';
import type { PlaceOptions, UntypedRef } from '../../kernel/index.js';
import { type Component, componentHash } from './component.js';
import type { PlacedAt, Wanted } from './spawner-requests.js';

/** What is known of a component where its actors are placed: another partition may have its code. */
export type PlacedComponent<S extends AnyService = AnyService> = Pick<
  Component<S>,
  'name' | 'service' | 'onFailure' | 'definition'
>;

/** One actor that is to run: it may be placed several times, one after the other. */
export interface Order {
  readonly component: PlacedComponent;
  /** Without the names that it was told to give up. */
  wanted: Wanted;
  readonly options: PlaceOptions;
  /** The incarnation of an actor that has placed it by its context; undefined for the program. */
  readonly owner: string | undefined;
  /** The partitions of this process that it may run in, by their indexes, where their ordinals were given. */
  readonly indexes: readonly number[] | undefined;
  /** The index of the partition of this process in which it ran first; undefined for one of another process. */
  home: number | undefined;
  /** Where it runs now; undefined while it is being placed. */
  current: Placed | undefined;
  /** The actors that it was, the last of which it is. */
  readonly keys: string[];
  isOver: boolean;
}

export interface Placed extends PlacedAt {
  readonly ref: UntypedRef;
  /** Ends all watches. */
  readonly release: () => void;
}

/** What a spawner is asked for. `instance`: the number of this one among several. */
export function wantedOf(
  component: PlacedComponent,
  args: Uint8Array,
  options: PlaceOptions,
  instance: number,
): Wanted {
  const { name = '', detached = false, register = '', group = '', standby = false, instances } = options;
  return {
    component: component.definition,
    hash: componentHash(component),
    args,
    name: name === '' || instances === undefined ? name : `${name}-${instance}`,
    isDetached: detached,
    register,
    group,
    isStandby: standby,
  };
}
