import { everywhereAlone } from '../../../transport/kinds/index.js';
import { openClusterStore } from '../../../cluster-store/index.js';
import { ConfigError, StoppedError } from '../../../errors.js';
import { limits } from '../../../limits.js';
import type { Logger } from '../../../logging/index.js';
import type { OptionValues } from '../../../options/index.js';
import { globalServicesInputCUid } from '../../../ids/index.js';
import { type AnyService, v1 } from '../../../protocol/index.js';
import { RealScheduler, type Scheduler } from '../../../scheduler/index.js';
import type { Transport } from '../../../transport/index.js';
import { Election } from '../../control-plane/index.js';
import { type ActorRef, ActorSystem } from '../../kernel/index.js';
import { Router } from '../../transport/index.js';
import { ExternalTransports } from '../external-transports.js';
import { netSettings } from '../net-settings.js';
import type { Peers } from './peers.js';

export interface VisitorParts {
  readonly scheduler: Scheduler;
  readonly log: Logger;
  readonly transport: Transport;
  /** Of the process that serves the control plane. */
  readonly controlPlane: string;
}

/** Asks actors of a cluster that it has not joined: it gets no ids, nothing is placed in it, and no process is told of it. */
export class Visitor implements Peers {
  readonly scheduler: Scheduler;
  #controlPlane: string;
  readonly #system: ActorSystem;
  readonly #router: Router;

  private constructor({ scheduler, log, transport, controlPlane }: VisitorParts) {
    const cUids = (): never => {
      throw new StoppedError('A visitor of a cluster has no ids: it can send no references to its actors.');
    };
    this.#controlPlane = controlPlane;
    this.scheduler = scheduler;
    this.#system = new ActorSystem({ name: 'visitor', scheduler, logger: log, cUids });
    this.#router = new Router({ system: this.#system, scheduler, transport, log });
  }

  /** Replies come over the links that it opens. */
  static async open(parts: VisitorParts): Promise<Visitor> {
    const visitor = new Visitor(parts);
    await visitor.#router.listen();
    return visitor;
  }

  get controlPlane(): string {
    return this.#controlPlane;
  }

  /** Another process serves the control plane now. */
  follow(controlPlane: string): void {
    this.#controlPlane = controlPlane;
  }

  /** The actor with this channel in the process at this address. */
  reference<S extends AnyService>(service: S, address: string, cUid: bigint): ActorRef<S> {
    return this.#system.referenceTo(service, this.#router.routeTo(address, cUid, service.typeName));
  }

  list(timeoutMs: number, signal?: AbortSignal): Promise<v1.Resources> {
    return this.reference(v1.ControlPlane, this.controlPlane, globalServicesInputCUid).list({}, { timeoutMs, signal });
  }

  async close(): Promise<void> {
    await this.#system.shutdown();
    await this.#router.close();
  }
}

/** Finds the control plane as a process that joins does. Throws ConfigError where no option says where it is. */
export async function openVisitor(values: OptionValues, log: Logger): Promise<Visitor> {
  const scheduler = new RealScheduler();
  const controlPlane = await controlPlaneOf(values, scheduler, log);
  // Nobody else reaches it: any address will do.
  const net = await netSettings({ ...values, controlPlane, clusterStore: 'none', listen: 'unix:', ...everywhereAlone });
  const external = await ExternalTransports.open({ net: net ?? {}, scheduler, log });
  return Visitor.open({ scheduler, log, transport: external.transport(0), controlPlane });
}

/** Where the control plane is now. Throws ConfigError where no option says how to find it. */
export async function controlPlaneOf(
  { controlPlane, clusterStore }: OptionValues,
  scheduler: Scheduler,
  log: Logger,
): Promise<string> {
  if (controlPlane !== 'none') return controlPlane;
  if (clusterStore === 'none') {
    throw new ConfigError(
      'No cluster is named: give the address of its control plane (--control-plane, or the option controlPlane) or its store (the option clusterStore).',
    );
  }
  const store = await openClusterStore(clusterStore, scheduler);
  const election = new Election({ store, scheduler, log });
  try {
    election.start();
    return (await election.leaderBy(scheduler.now() + limits.connectTimeoutMs)).address;
  } finally {
    await election.close();
    await store.close();
  }
}
