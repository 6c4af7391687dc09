import { ConfigError } from '../../../errors.js';
import { shownValue } from '../../../foreign.js';
import { limits } from '../../../limits.js';
import { type Accepted, accepted, type AcceptedOptions, checkOptions } from '../../../options/index.js';
import type { AnyService } from '../../../protocol/index.js';
import {
  type AnyBehavior,
  isBehavior,
  type PlaceOn,
  type Placeable,
  type PlaceOptions,
  routeKey,
} from '../../kernel/index.js';
import { type Component, isComponent } from './component.js';

/** What `on` accepts; `checkOn` looks into an object. */
export const PLACE_ON: Accepted = { what: 'threads, processes, or an object', is: isPlaceOn };

const PLACE: AcceptedOptions = {
  args: accepted.anything,
  on: PLACE_ON,
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
export function checkPlace<S extends AnyService>(
  call: string,
  component: Placeable<S>,
  options: Omit<PlaceOptions, 'instances'> & { readonly instances?: number | undefined },
): asserts component is Component<S> {
  if (!isComponent(component)) {
    if (isBehavior(component)) throw placedBehavior(call, component);
    throw new ConfigError(
      `${call} needs a component, which component(name, import.meta.url, Service, factory) makes, not ${shownValue(component)}.`,
    );
  }
  checkOptions(call, options, PLACE);
  const { on, instances, register, group, standby = false } = options;
  if (register !== undefined && register === group) {
    throw new ConfigError(`The name "${register}" cannot be that of one actor and of a group.`);
  }
  if (standby && register === undefined) {
    throw new ConfigError(`${call} with standby needs register, the name for which the actor stands by.`);
  }
  checkOn(call, on);
  if (instances !== undefined && instances > 1 && register !== undefined && !standby) {
    throw new ConfigError(
      `Only one actor can have the registered name "${register}": place one, without instances, or let the others stand by, with standby: true.`,
    );
  }
}

/** Throws ConfigError for an object that says no place. `of` says whose `on` it is. */
export function checkOn(of: string, on: PlaceOn | undefined): void {
  if (typeof on !== 'object') return;
  checkOptions(`on of ${of}`, on, ON);
  if ('partition' in on && Object.keys(on).length > 1) {
    throw new ConfigError(`on of ${of} names a partition, so that it can have no other condition.`);
  }
}

function placedBehavior(call: string, { service: { typeName } }: AnyBehavior): ConfigError {
  return new ConfigError(
    `${call} needs a component, because another partition imports its code, and this is a behavior of ${typeName}: export const it = component(name, import.meta.url, Service, () => the behavior). runtime.spawn starts a behavior here.`,
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
