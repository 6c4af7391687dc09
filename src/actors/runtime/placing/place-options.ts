import { ConfigError } from '../../../errors.js';
import { shownValue } from '../../../foreign.js';
import { limits } from '../../../limits.js';
import { accepted, type AcceptedOptions, checkOptions } from '../../../options/index.js';
import { type AnyBehavior, isBehavior, routeKey, type UntypedRef } from '../../kernel/index.js';
import { isComponent } from './component.js';
import type { PlaceOn } from './where.js';

export interface PlaceOptions {
  /**
   * Where it may run; where several partitions may, they take turns. Default: the partitions of this runtime but the first, which is the event
   * loop of the program, or the first where it is the only one.
   */
  readonly on?: PlaceOn;
  /** Starts so many actors. The result is a list then, also for 1. */
  readonly instances?: number;
  /** How instances take turns: over the partitions (default), or over the nodes and their partitions. */
  readonly spread?: 'partitions' | 'nodes';
  /** Name of the actor in its partition; with `instances`, followed by `-0`, `-1` and so on. Default: that of its service and a number. */
  readonly name?: string;
  /** Name to register in the cluster, for `runtime.lookup`. Rejects with ConfigError when another actor has it, unless `standby` is true. */
  readonly register?: string;
  /** Where another actor has the name of `register`, this one gets it when that has ended, behind those that stand by already. Default false. */
  readonly standby?: boolean;
  /** Name of a group in the cluster that the actor joins, for `runtime.group`. */
  readonly group?: string;
  /** The actor goes on when this runtime ends, and until its partition ends. Default false: it ends with this runtime. */
  readonly detached?: boolean;
  /** An actor of this process, such as `ctx.self`: when it ends, the placed actor is stopped. */
  readonly parent?: UntypedRef;
  /** Time in ms in which the actor must be placed, the loading of its module included. Default 30 000. */
  readonly timeoutMs?: number;
  /** Ends the call with AskAbortedError when it is aborted; nothing that it has started is left then. */
  readonly signal?: AbortSignal;
}

type Empty = Readonly<Record<never, never>>;

/** The options of `runtime.place`, with the arguments of the component; they may be left out where all of them may. */
export type PlaceWith<Args, Options = PlaceOptions> = Empty extends Args
  ? Options & { readonly args?: Args }
  : Options & { readonly args: Args };

/** The arguments of `runtime.place` behind the component, for one actor. */
export type PlaceArguments<Args> = Empty extends Args
  ? [options?: PlaceWith<Args, Omit<PlaceOptions, 'instances'>> & { readonly instances?: undefined }]
  : [options: PlaceWith<Args, Omit<PlaceOptions, 'instances'>> & { readonly instances?: undefined }];

const PLACE: AcceptedOptions = {
  args: accepted.anything,
  on: { what: 'threads, processes, or an object', is: isPlaceOn },
  instances: {
    what: `a whole number from 1 to ${limits.segmentInstances}`,
    is: (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= limits.segmentInstances,
  },
  spread: { what: 'partitions or nodes', is: (value) => value === 'partitions' || value === 'nodes' },
  name: accepted.text,
  register: accepted.text,
  standby: accepted.flag,
  group: accepted.text,
  detached: accepted.flag,
  signal: accepted.signal,
  parent: { what: 'the reference of an actor, such as ctx.self', is: isReference },
  timeoutMs: {
    what: 'a positive finite number of milliseconds',
    is: (value) => typeof value === 'number' && value > 0 && value < Number.POSITIVE_INFINITY,
  },
};

const ORDINALS = {
  what: 'an ordinal of runtime.ordinals, or a list of them',
  is: (value: unknown) => isOrdinal(value) || (Array.isArray(value) && value.length > 0 && value.every(isOrdinal)),
};
const ON: AcceptedOptions = {
  partition: ORDINALS,
  node: accepted.text,
  process: accepted.text,
  label: accepted.text,
};

/** Throws ConfigError for what the compiler refuses in TypeScript. */
export function checkPlace(
  component: unknown,
  options: Omit<PlaceOptions, 'instances'> & { readonly instances?: number | undefined },
): void {
  if (!isComponent(component)) {
    if (isBehavior(component)) throw placedBehavior(component);
    throw new ConfigError(
      `runtime.place needs a component, which component(name, import.meta.url, Service, factory) makes, not ${shownValue(component)}.`,
    );
  }
  checkOptions('runtime.place', options, PLACE);
  const { on, instances, register, group, standby = false } = options;
  if (register !== undefined && register === group) {
    throw new ConfigError(`The name "${register}" cannot be that of one actor and of a group.`);
  }
  if (standby && register === undefined) {
    throw new ConfigError('runtime.place with standby needs register, the name for which the actor stands by.');
  }
  if (typeof on === 'object') checkOptions('on of runtime.place', on, ON);
  if (typeof on === 'object' && 'partition' in on && Object.keys(on).length > 1) {
    throw new ConfigError('on of runtime.place names a partition, so that it can have no other condition.');
  }
  if (instances !== undefined && instances > 1 && register !== undefined && !standby) {
    throw new ConfigError(
      `Only one actor can have the registered name "${register}": place one, without instances, or let the others stand by, with standby: true.`,
    );
  }
}

function placedBehavior({ service: { typeName } }: AnyBehavior): ConfigError {
  return new ConfigError(
    `runtime.place needs a component, because another partition imports its code, and this is a behavior of ${typeName}: export const it = component(name, import.meta.url, Service, () => the behavior). runtime.spawn starts a behavior here.`,
  );
}

function isPlaceOn(value: unknown): boolean {
  if (value === 'threads' || value === 'processes') return true;
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}

function isReference(value: unknown): boolean {
  return typeof value === 'object' && value !== null && routeKey in value;
}

function isOrdinal(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0;
}
