/** `millrace join` in a run of `millrace up`: this process is a node of it, and its launcher decides what happens here. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { isLate, retryAsk } from '../actors/control-plane/index.js';
import type { ActorRef } from '../actors/kernel/index.js';
import {
  guestsCUid,
  hostIdOf,
  type Infrastructure,
  type InfrastructureLinks,
  newStartSecret,
  NodeProcess,
} from '../actors/services/index.js';
import { ConfigError, UnreachableError } from '../index.js';
import { limits } from '../limits.js';
import { v1 } from '../protocol/index.js';
import type { Scheduler } from '../scheduler/index.js';
import { ExitCode } from './exit-codes.js';
import type { Interrupts } from './interrupts.js';
import { say } from './output.js';
import { ownVersion } from './packages.js';

export interface JoinedNodeOptions {
  readonly nodeName: string;
  /** Of this process and of the roles of its node. */
  readonly links: InfrastructureLinks;
  /** For the worker. */
  readonly environment: Readonly<Record<string, string>>;
  readonly interrupts: Interrupts;
}

/** Time in ms that a run has to bring this node up. */
const SETTLE_MS = 150_000;

/** Time in ms for one question whether this node has to go; it is asked again. */
const PARTING_MS = 30_000;

/** The node of this process, from its admission to its end. */
export class JoinedNode {
  readonly #options: JoinedNodeOptions;
  readonly #scheduler: Scheduler;
  readonly #place: v1.RunPlace;
  readonly #guests: ActorRef<typeof v1.Guests>;
  readonly #hostId: bigint;
  readonly #secret = newStartSecret();
  readonly #node: NodeProcess;

  constructor(infrastructure: Infrastructure, place: v1.RunPlace, options: JoinedNodeOptions) {
    this.#options = options;
    this.#place = place;
    this.#scheduler = infrastructure.scheduler;
    this.#guests = infrastructure.reference(v1.Guests, place.launcher, guestsCUid);
    const { nodeName: node, environment, links } = options;
    if (!/:0$|^unix:/.test(links.listen)) {
      throw new ConfigError(
        `The option listen is ${links.listen}: a node of a run has several listeners, so give port 0.`,
      );
    }
    this.#hostId = hostIdOf(hostname(), node, randomBytes(16).toString('hex'));
    const { key, listen, advertisedHost, tls } = links;
    const start = {
      role: 'node',
      run: place.run,
      folder: '',
      key,
      listen,
      advertisedHost,
      tls,
      launcher: place.launcher,
      secret: this.#secret,
      store: place.clusterStore === '' ? undefined : { address: place.clusterStore, leaseMs: 'auto' as const },
      version: ownVersion(),
      environment,
      logLevel: 'warn',
      node,
      hostId: this.#hostId,
      sharedBy: 1,
      faults: '',
    } as const;
    this.#node = new NodeProcess(start, this.#scheduler, `guest-${process.pid}`);
  }

  /** Resolves to the exit code. Rejects where the run refuses this node, or cannot bring it up. */
  async run(): Promise<number> {
    const { nodeName: node, interrupts } = this.#options;
    const hostId = this.#hostId;
    const secret = this.#secret;
    const timeoutMs = limits.controlPlaneTimeoutMs;
    await retryAsk(this.#scheduler, timeoutMs, (given) => this.#guests.admit({ hostId, node, secret }, given));
    const parting = this.#parting();
    interrupts.begin(say);
    interrupts.onFirst(() => {
      this.#guests.leave({ hostId }, { timeoutMs }).catch(() => void this.#abandon());
    });
    try {
      await this.#live();
      const why = this.#node.isAbandoned ? undefined : await parting;
      return this.#exitCode(why);
    } catch (error) {
      // A node that goes before it is up is refused.
      if (interrupts.first === undefined) throw error;
      return interrupts.first.exitCode;
    } finally {
      interrupts.end();
    }
  }

  /** Resolves when the node has ended. */
  async #live(): Promise<void> {
    const { nodeName, interrupts } = this.#options;
    const ended = this.#node.run();
    ended.catch(() => {});
    try {
      const settled = this.#guests.settle({ hostId: this.#hostId }, { timeoutMs: SETTLE_MS });
      const first = await Promise.race([settled, ended]);
      if (first !== undefined) {
        say(`${nodeName} has joined the run ${this.#place.run} as node ${first.index}, with ${first.process}`);
      }
    } catch (error) {
      if (interrupts.first === undefined) {
        await this.#abandon();
        await ended.catch(() => {});
        throw error;
      }
    }
    await ended;
  }

  #exitCode(why: v1.GuestParting | undefined): number {
    const { nodeName, interrupts } = this.#options;
    const { run } = this.#place;
    if (interrupts.first !== undefined) return interrupts.first.exitCode;
    if (why === undefined) {
      say(`the run ${run} has ended by itself, or is cut off`);
      return ExitCode.partLost;
    }
    say(`${nodeName} has left the run ${run}: ${why.cause}`);
    return why.isLost ? ExitCode.partLost : ExitCode.ok;
  }

  async #abandon(): Promise<void> {
    await this.#node.abandon().catch(() => {});
  }

  /** Why the launcher ends this node; undefined where it is not reached any more. Never rejects. */
  async #parting(): Promise<v1.GuestParting | undefined> {
    for (;;) {
      try {
        return await this.#guests.parting({ hostId: this.#hostId }, { timeoutMs: PARTING_MS });
      } catch (error) {
        if (error instanceof UnreachableError || !isLate(error)) return undefined;
      }
    }
  }
}
