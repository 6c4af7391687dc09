import { globalServicesInputCUid } from '../../../ids/index.js';
import { type AnyService, v1 } from '../../../protocol/index.js';
import type { Scheduler } from '../../../scheduler/index.js';
import type { ActorRef } from '../../kernel/index.js';
import type { PartitionRuntime } from '../partition-runtime.js';

/** The processes of a cluster, as one that looks at them reaches them. */
export interface Peers {
  /** Address of the process that serves the control plane. */
  readonly controlPlane: string;
  readonly scheduler: Scheduler;
  /** All that the control plane knows. Rejects with AskTimeoutError after `timeoutMs`, and with AskAbortedError at the signal. */
  list(timeoutMs: number, signal?: AbortSignal): Promise<v1.Resources>;
  /** The actor with this channel in the process at this address. */
  reference<S extends AnyService>(service: S, address: string, cUid: bigint): ActorRef<S>;
}

/** The other processes, as those of a runtime reach them: by its own links. */
export class RuntimePeers implements Peers {
  readonly scheduler: Scheduler;
  readonly #partition: Pick<PartitionRuntime, 'router' | 'system'>;
  readonly #controlPlane: () => string;

  constructor(
    partition: Pick<PartitionRuntime, 'router' | 'system'>,
    controlPlane: () => string,
    scheduler: Scheduler,
  ) {
    this.#partition = partition;
    this.#controlPlane = controlPlane;
    this.scheduler = scheduler;
  }

  get controlPlane(): string {
    return this.#controlPlane();
  }

  list(timeoutMs: number, signal?: AbortSignal): Promise<v1.Resources> {
    return this.reference(v1.ControlPlane, this.controlPlane, globalServicesInputCUid).list({}, { timeoutMs, signal });
  }

  reference<S extends AnyService>(service: S, address: string, cUid: bigint): ActorRef<S> {
    const { system, router } = this.#partition;
    return system.referenceTo(service, router.routeTo(address, cUid, service.typeName));
  }
}
