import { ProtocolError } from '../../../errors.js';
import type { AnyService, v1 } from '../../../protocol/index.js';
import type { PlaceOn, PlaceOptions } from '../../kernel/index.js';
import type { PlacedComponent } from '../placing/index.js';

// What a context places, as it is sent to the first partition of its process. `parent` and `signal` are not sent: the owner is the parent.

/** The fields of a request that come from the component and the options. */
export function placeRequestOf(
  component: PlacedComponent,
  args: readonly Uint8Array[],
  options: PlaceOptions,
  timeoutMs: number,
): Omit<v1.OwnedActorsToPlaceInit, 'owner' | 'id'> {
  const { instances = 0, spread, name = '', register = '', standby = false, group = '', detached = false } = options;
  return {
    component: component.definition,
    isRestarted: component.onFailure === 'restart',
    args,
    on: conditionsOf(options.on),
    instances,
    isSpreadOverNodes: spread === 'nodes',
    name,
    register,
    isStandby: standby,
    group,
    isDetached: detached,
    timeoutMs,
  };
}

export function placeOptionsOf(request: v1.OwnedActorsToPlace): PlaceOptions {
  const { on, instances, isSpreadOverNodes, name, register, isStandby, group, isDetached, timeoutMs } = request;
  const place = on && placeOnOf(on);
  return {
    ...(place === undefined ? {} : { on: place }),
    ...(instances === 0 ? {} : { instances }),
    spread: isSpreadOverNodes ? 'nodes' : 'partitions',
    name,
    register,
    standby: isStandby,
    group,
    detached: isDetached,
    timeoutMs,
  };
}

/** Throws ProtocolError for a request that has none. */
export function placedComponentOf({ component, isRestarted }: v1.OwnedActorsToPlace): PlacedComponent {
  if (component === undefined) throw new ProtocolError('A request to place actors must describe their component.');
  const { name, service } = component;
  return { name, service: serviceNamed(service), definition: component, onFailure: isRestarted ? 'restart' : 'fail' };
}

/** A service of which only the name is known here: its actors are watched and stopped, and get no messages. */
export function serviceNamed(typeName: string): AnyService {
  return { typeName, methods: {} };
}

function conditionsOf(on: PlaceOn | undefined): v1.PlaceConditionsInit | undefined {
  if (on === undefined) return undefined;
  if (typeof on === 'string') return { hosted: on };
  if ('partition' in on) return { ordinals: typeof on.partition === 'number' ? [on.partition] : on.partition };
  return on;
}

function placeOnOf({ hosted, ordinals, node, process, label }: v1.PlaceConditions): PlaceOn {
  if (hosted === 'threads' || hosted === 'processes') return hosted;
  if (ordinals.length > 0) return { partition: ordinals };
  return {
    ...(node === '' ? {} : { node }),
    ...(process === '' ? {} : { process }),
    ...(label === '' ? {} : { label }),
  };
}
