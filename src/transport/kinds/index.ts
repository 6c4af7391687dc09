/**
 * The kinds of transport to other processes, with the options that belong to each. The runtime opens them, and the option table contains
 * their options. Nothing here may load a transport: that takes longer than a runtime needs to start.
 */
import type { TransportKind } from '../kind.js';
import { netKind } from '../net/kind.js';
import { ucxKind, ucxOptions, type UcxSettings, ucxSettings, type UcxValues } from '../ucx/kind.js';
import {
  webSocketKind,
  webSocketOptions,
  type WebSocketSettings,
  webSocketSettings,
  type WebSocketValues,
} from '../ws/kind.js';
import { zeroMqKind, zeroMqOptions, type ZeroMqSettings, zeroMqSettings, type ZeroMqValues } from '../zmq/kind.js';

export type { UpgradeListener, UpgradeServer } from '../ws/kind.js';

/** What the user says of single kinds of transport. */
export type TransportSettings = UcxSettings & WebSocketSettings & ZeroMqSettings;

/** What reaches every host: the infrastructure of a run uses it alone. */
export const everywhereKind = netKind;

/** The values of the options with which a process uses that kind alone. */
export const everywhereAlone = { ucx: 'off', wsListen: 'none', zmqListen: 'none' } as const;

/** All kinds, the nearest first: a link uses the first one that reaches the peer. */
export const transportKinds: readonly TransportKind<TransportSettings>[] = [
  ucxKind(),
  netKind,
  zeroMqKind,
  webSocketKind,
];

/** The options of all kinds. */
export const transportOptions = { ...ucxOptions, ...zeroMqOptions, ...webSocketOptions } as const;

/** The settings that the values of these options make. */
export function transportSettings(values: UcxValues & ZeroMqValues & WebSocketValues): TransportSettings {
  return { ...ucxSettings(values), ...zeroMqSettings(values), ...webSocketSettings(values) };
}

/** True if other processes can connect by one of these settings alone. */
export function isListening({ wsListen, zmqListen }: TransportSettings): boolean {
  return wsListen !== undefined || zmqListen !== undefined;
}

/** The settings for a partition on another thread or in another process, to which only plain data can be sent. */
export function settingsElsewhere<Settings extends TransportSettings>(settings: Settings): Omit<Settings, 'wsServer'> {
  const { wsServer: _, ...plain } = settings;
  return plain;
}
