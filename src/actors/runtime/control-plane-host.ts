import type { ClusterStore } from '../../cluster-store/index.js';
import { ConfigError, UnreachableError } from '../../errors.js';
import { globalServicesInputCUid } from '../../ids/index.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../logging/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import { formatAddress, parseAddress } from '../../socket-address.js';
import {
  type Candidate,
  controlPlaneServer,
  Election,
  type LeaderLease,
  MemberRoll,
  whileHeld,
} from '../control-plane/index.js';
import type { ActorRef } from '../kernel/index.js';
import type { v1 } from '../../protocol/index.js';
import type { PartitionRuntime } from './partition-runtime.js';
import type { RuntimeOptions } from './runtime-options.js';

export interface HostParts {
  readonly partition: PartitionRuntime;
  readonly incarnation: bigint;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  /** The runtime owns it from now on, and closes it. */
  readonly store?: ClusterStore | undefined;
}

/**
 * The part of a runtime that knows where the control plane is, and runs its server where this process is the one to serve:
 *
 *     controlPlane: ADDRESS    another process serves it
 *     clusterStore: STORE      the process that has the lease in the store serves it; this one is a candidate, unless its role is `member`
 *     neither                  this process serves it
 */
export class ControlPlaneHost {
  readonly #parts: HostParts;
  readonly #options: RuntimeOptions;
  readonly #election: Election | undefined;
  #server: ActorRef<v1.ControlPlane> | undefined;
  #lease: LeaderLease | undefined;
  #roll: MemberRoll | undefined;
  #address: string;
  /** For how many attempts the address was asked. */
  #attempts = 0;
  #closing: Promise<void> | undefined;

  constructor(parts: HostParts, options: RuntimeOptions) {
    const { scheduler, log, store } = parts;
    const { controlPlane = '', leaseMs } = options;
    if (store !== undefined && controlPlane !== '') {
      throw new ConfigError(
        `A process finds the control plane at an address or through a cluster store: set controlPlane, now "${controlPlane}", or clusterStore, now "${store.address}", to none.`,
      );
    }
    this.#parts = parts;
    this.#options = options;
    this.#address = controlPlane;
    this.#election = store && new Election({ store, scheduler, log, leaseMs });
  }

  /** Whether this process serves the control plane now. */
  get isServing(): boolean {
    return this.#server !== undefined && this.#lease?.isHeld !== false;
  }

  /** Where the control plane is, as far as this process knows. */
  get address(): string {
    return this.#address;
  }

  /** Time in which this process must reach the control plane when it starts, in ms. Undefined: the usual one. */
  get startTimeoutMs(): number | undefined {
    return this.#election && limits.joinTimeoutMs;
  }

  /** Sentences about what keeps the cluster store from working at present. */
  problems(): string[] {
    const { store } = this.#parts;
    const { trouble } = store ?? {};
    return trouble === undefined ? [] : [`The cluster store ${store?.address} does not work: ${trouble.message}`];
  }

  /** Where to look for the control plane in the next attempt. */
  nextAddress(): string {
    this.#attempts += 1;
    // Afterwards the control plane may be served by the next process at that place.
    return this.#election !== undefined || this.#attempts === 1 ? this.#address : withSuccessors(this.#address);
  }

  /** Calls `moved` when another process serves the control plane than before. */
  onMoved(moved: () => void): void {
    this.#election?.onLeader((leader) => {
      if (leader === undefined || leader.address === this.#address) return;
      this.#address = leader.address;
      moved();
    });
  }

  /** Begins to serve where this process is to. Resolves when it is known where the control plane is. */
  async start(): Promise<void> {
    const { controlPlane, clusterRole = 'candidate', served } = this.#options;
    const { partition, scheduler } = this.#parts;
    if (this.#election !== undefined) {
      const candidate: Candidate = {
        address: partition.address,
        elected: (lease) => {
          this.#serve(lease);
          served?.elected(lease.epoch);
        },
        deposed: () => {
          served?.deposed();
          return this.#endServer();
        },
      };
      this.#election.start(clusterRole === 'candidate' ? candidate : undefined);
      this.#address = (await this.#election.leaderBy(scheduler.now() + limits.joinTimeoutMs)).address;
    } else if (controlPlane === undefined) {
      this.#address = partition.address;
      this.#serve(undefined);
    }
  }

  /** Ends the server, and gives up the lease, so that another candidate takes over at once. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Ends as a crash of the process does: the lease is not given up. */
  abandon(): void {
    this.#roll?.close();
    this.#parts.store?.abandon();
    this.#election?.abandon();
  }

  #serve(lease: LeaderLease | undefined): void {
    const { partition, incarnation, store, scheduler, log } = this.#parts;
    this.#lease = lease;
    this.#roll = store && lease && new MemberRoll({ store, scheduler, log, lease });
    const predecessor = this.#roll && { roll: this.#roll, hasEnded: (address: string) => this.#hasEnded(address) };
    const served = controlPlaneServer({ incarnation, ...(lease && { epoch: Number(lease.epoch) }) }, predecessor);
    const behavior = lease === undefined ? served : whileHeld(served, lease);
    this.#server = partition.system.spawn(behavior, { name: 'control-plane', cUid: globalServicesInputCUid });
  }

  /** Nothing listens there any more. */
  #hasEnded(address: string): Promise<boolean> {
    const reached = this.#parts.partition.router.open(address).opened();
    return reached.then(
      () => false,
      (error: unknown) => error instanceof UnreachableError && error.isRefused,
    );
  }

  async #endServer(): Promise<void> {
    this.#roll?.close();
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    await this.#parts.partition.system.stop(server);
  }

  async #close(): Promise<void> {
    if (this.#election === undefined) return;
    await this.#endServer();
    await this.#election.close();
    await this.#parts.store?.close();
  }
}

/** The address, and without what leads to one process only: so it leads to the next process at the same place, too. */
function withSuccessors(address: string): string {
  const words = address.split(' ');
  const places = words.flatMap((word) => parseAddress(word) ?? []);
  return [...new Set([...words, ...places.map((place) => formatAddress({ ...place, instance: '' }))])].join(' ');
}
