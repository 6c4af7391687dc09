import { createRequire } from 'node:module';
import type { PersistedEvent, PersistedSnapshot, PersistenceEngine } from '#src/actors/persistence/index.js';

/** nact's engine for tests, from nact's package, as its own tests use it. */
export interface MockEngine extends PersistenceEngine {
  readonly _events: Record<string, PersistedEvent[]>;
  readonly _snapshots: Record<string, PersistedSnapshot[]>;
  takeSnapshotIsWorking: boolean;
}

type MockClass = new (
  events?: Record<string, PersistedEvent[]>,
  snapshots?: Record<string, PersistedSnapshot[]>,
  takeSnapshotIsWorking?: boolean,
) => MockEngine;

export const { MockPersistenceEngine } = createRequire(import.meta.url)('nact/test/mock-persistence-engine.js') as {
  readonly MockPersistenceEngine: MockClass;
};

/** Events with these data, from sequence number 1. */
export function eventsOf(key: string, ...data: unknown[]): PersistedEvent[] {
  return data.map((each, index) => eventOf(key, index + 1, each));
}

export function eventOf(key: string, sequenceNumber: number, data: unknown, isDeleted = false): PersistedEvent {
  return { data, sequenceNumber, key, tags: [], createdAt: 0, isDeleted };
}

export function snapshotOf(key: string, sequenceNumber: number, data: unknown): PersistedSnapshot {
  return { data, sequenceNumber, key, createdAt: 0 };
}
