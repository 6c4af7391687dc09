/** `millrace join` where the cluster is a run of `millrace up`: this process is a node of it, and its launcher decides what happens here. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { isLate, retryAsk } from '../actors/control-plane/index.js';
import type { ActorRef } from '../actors/kernel/index.js';
import type { NetOptions } from '../actors/runtime/index.js';
import {
  guestsCUid,
  hostIdOf,
  type Infrastructure,
  makeFolder,
  NodeProcess,
  openInfrastructure,
  removeFolder,
  RUN_GATE,
  socketsOf,
} from '../actors/services/index.js';
import { globalServicesInputCUid } from '../ids/index.js';
import { ConfigError, silentLogger, UnreachableError } from '../index.js';
import { limits } from '../limits.js';
import { v1 } from '../protocol/index.js';
import { RealScheduler, type Scheduler } from '../scheduler/index.js';
import { commandFolder } from './ask-run.js';
import { ExitCode } from './exit-codes.js';
import type { Interrupts } from './interrupts.js';
import { say } from './output.js';
import { ownVersion } from './packages.js';

export interface JoinOptions {
  readonly controlPlane: string;
  readonly nodeName: string;
  readonly net: NetOptions | undefined;
  /** For the worker. */
  readonly environment: Readonly<Record<string, string>>;
  readonly interrupts: Interrupts;
}

/** Time in ms that a run has to bring this node up. */
const SETTLE_MS = 150_000;

/** Time in ms for one question whether this node has to go; it is asked again. */
const PARTING_MS = 30_000;

/**
 * Joins the run that has this control plane, and resolves to the exit code when that is over; undefined at once where it is the control plane of no
 * run. A run always has a key, and is reached over sockets.
 */
export async function joinRun(options: JoinOptions): Promise<number | undefined> {
  const { controlPlane, net } = options;
  const to = socketsOf(controlPlane);
  if (typeof net?.key !== 'string' || net.listen === undefined || to === '') return undefined;
  const folder = makeFolder(commandFolder());
  const links = {
    name: 'joins',
    folder,
    key: net.key,
    listen: net.listen,
    advertisedHost: net.advertisedHost ?? '',
    tls: net.tls?.files,
  };
  try {
    const infrastructure = await openInfrastructure(links, new RealScheduler(), silentLogger);
    try {
      const place = await runAt(infrastructure, to);
      return place && (await new JoinedNode(infrastructure, place, { ...options, links }).run());
    } finally {
      await infrastructure.close();
    }
  } finally {
    removeFolder(folder);
  }
}

/** Undefined where the control plane is that of no run. */
async function runAt(infrastructure: Infrastructure, controlPlane: string): Promise<v1.RunPlace | undefined> {
  const { scheduler } = infrastructure;
  const server = infrastructure.reference(v1.ControlPlane, controlPlane, globalServicesInputCUid);
  const { names } = await retryAsk(scheduler, limits.controlPlaneTimeoutMs, (given) => server.list({}, given));
  const ref = names.find(({ name }) => name === RUN_GATE)?.ref;
  if (ref === undefined) return undefined;
  const gate = infrastructure.reference(v1.RunGate, controlPlane, ref.cUid);
  return retryAsk(scheduler, limits.controlPlaneTimeoutMs, (given) => gate.find({}, given));
}

interface JoinedOptions extends JoinOptions {
  readonly links: Parameters<typeof openInfrastructure>[0];
}

/** The node of this process, from its admission to its end. */
class JoinedNode {
  readonly #options: JoinedOptions;
  readonly #scheduler: Scheduler;
  readonly #place: v1.RunPlace;
  readonly #guests: ActorRef<typeof v1.Guests>;
  readonly #hostId: bigint;
  readonly #node: NodeProcess;

  constructor(infrastructure: Infrastructure, place: v1.RunPlace, options: JoinedOptions) {
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

  /** Resolves to the exit code. */
  async run(): Promise<number> {
    const { nodeName: node, interrupts } = this.#options;
    const { run } = this.#place;
    const hostId = this.#hostId;
    const timeoutMs = limits.controlPlaneTimeoutMs;
    await retryAsk(this.#scheduler, timeoutMs, (given) => this.#guests.admit({ hostId, node }, given));
    const parting = this.#parting();
    interrupts.begin(say);
    interrupts.onFirst(() => {
      this.#guests.leave({ hostId }, { timeoutMs }).catch(() => void this.#node.abandon().catch(() => {}));
    });
    const ended = this.#node.run();
    ended.catch(() => {});
    try {
      const settled = this.#guests.settle({ hostId }, { timeoutMs: SETTLE_MS });
      const first = await Promise.race([settled, ended]);
      if (first !== undefined) say(`${node} has joined the run ${run} as node ${first.index}, with ${first.process}`);
    } catch (error) {
      if (interrupts.first === undefined) {
        await this.#node.abandon().catch(() => {});
        throw error;
      }
    }
    await ended;
    const why = this.#node.isAbandoned ? undefined : await parting;
    interrupts.end();
    if (interrupts.first !== undefined) return interrupts.first.exitCode;
    if (why === undefined) {
      say(`the run ${run} has ended by itself, or is cut off`);
      return ExitCode.partLost;
    }
    say(`${node} has left the run ${run}: ${why.cause}`);
    return why.isLost ? ExitCode.partLost : ExitCode.ok;
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
