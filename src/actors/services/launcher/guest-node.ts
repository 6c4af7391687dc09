import { Deferred } from '../../../deferred.js';
import { AskTimeoutError, ConfigError, ProtocolError, StoppedError, UnreachableError } from '../../../errors.js';
import { messageOf } from '../../../foreign.js';
import { backendFrontendCUid, backendLocalCUid, launcherBackendCUid } from '../../../ids/index.js';
import { limits } from '../../../limits.js';
import { v1 } from '../../../protocol/index.js';
import type { Timer } from '../../../scheduler/index.js';
import { type ActorRef, type Context, deferred, type DeferredReply } from '../../kernel/index.js';
import type { Infrastructure } from '../infrastructure.js';
import { performed } from '../spread.js';
import { stepInfo } from '../steps.js';
import { type Display, listener } from './frontend.js';
import type { ServicesPlace } from './services-place.js';

/** A process of the application that has joined the run. */
export interface StartedWorker {
  readonly process: string;
  /** Resolves to a clause when it has ended: how. Never rejects. */
  readonly ended: Promise<string>;
}

/** A worker that has ended by itself. */
export interface LostWorker {
  readonly node: string;
  readonly process: string;
  /** A clause: `it was ended by SIGKILL`. */
  readonly cause: string;
}

/** What the launcher does when guests come and go. */
export interface GuestEvents {
  /** Resolves when the node has a worker that has joined the run. */
  readonly startWorker: (node: { readonly index: number; readonly name: string }) => Promise<StartedWorker>;
  readonly joined: (node: string) => void;
  readonly left: (node: string) => void;
  /** It has ended by itself, and so has its worker. */
  readonly lost: (worker: LostWorker) => void;
}

/** What the guests of a run need of it. */
export interface GuestRun {
  readonly infrastructure: Infrastructure;
  readonly display: Display;
  readonly version: string;
  /** Of the nodes that the launcher has started. */
  readonly names: readonly string[];
  /** Undefined where the primary node is gone. */
  readonly primary: () => v1.NodePlace | undefined;
  readonly services: Pick<ServicesPlace, 'found' | 'ask'>;
}

export interface GuestOptions {
  readonly run: GuestRun;
  readonly events: GuestEvents;
  readonly index: number;
  readonly hostId: bigint;
  /** Tells apart the process that was admitted. */
  readonly sender: string;
  readonly name: string;
  /** Its backend says it. */
  readonly secret: string;
  /** It is gone, and is no part of the run any more. */
  readonly gone: () => void;
}

/** The steps in which a guest goes, as the whole run does. */
const GOING = [
  v1.Step.HALT_APPLICATION,
  v1.Step.HALT_TRANSPORTS,
  v1.Step.HALT_SHEPHERDS,
  v1.Step.HALT_BACKENDS,
] as const;

/** The launcher's end of a node that it has not started: brings it into the run, hears of it, and ends it. */
export class GuestNode {
  readonly #options: GuestOptions;
  readonly #listener: ActorRef<typeof v1.Launcher>;
  readonly #settled = new Deferred<v1.SettledGuestInit>();
  readonly #late: Timer;
  #backend: v1.BackendUp | undefined;
  #parting: v1.GuestPartingInit | undefined;
  /** Its question why it has to go. */
  #asksParting: DeferredReply<v1.GuestPartingInit> | undefined;
  #worker = '';
  /** The steps that make it a node of the run. It does not go before the one that is under way has ended. */
  #placing: Promise<void> | undefined;
  /** It has a shepherd. */
  #isPlaced = false;
  #leaving: Promise<void> | undefined;
  #isHalting = false;

  constructor(options: GuestOptions) {
    this.#options = options;
    const { run, hostId, name, index, secret } = options;
    const { infrastructure, display } = run;
    this.#settled.promise.catch(() => {});
    const behavior = listener({
      node: name,
      secret,
      display,
      failed: () => {},
      backendIsUp: (backend, context) => this.#onBackendUp(backend, context),
      ended: () => this.#lost('its process has ended, or is not reached any more'),
    });
    this.#listener = infrastructure.spawn(behavior, { name: `guest-${index}`, cUid: backendFrontendCUid(hostId) });
    const { patienceMs } = stepInfo(v1.Step.BACKENDS);
    this.#late = infrastructure.scheduler.setTimer(patienceMs, () =>
      this.part({ cause: `its backend was not up within ${patienceMs} ms` }),
    );
  }

  get name(): string {
    return this.#options.name;
  }

  get sender(): string {
    return this.#options.sender;
  }

  /** Resolves when its worker has joined the run. */
  get settled(): Promise<v1.SettledGuestInit> {
    return this.#settled.promise;
  }

  /** Answered when it has to go. It asks again where it was not answered by its deadline: its later question takes the place of the earlier one. */
  parting(): v1.GuestPartingInit | DeferredReply<v1.GuestPartingInit> {
    if (this.#parting !== undefined) return this.#parting;
    this.#asksParting?.reject(new AskTimeoutError(`The node ${this.#options.name} has asked again since.`));
    this.#asksParting = deferred();
    return this.#asksParting;
  }

  /** As global services know it. Undefined before it has the roles of a node. */
  get joined(): v1.JoinedNode | undefined {
    const { index, name } = this.#options;
    if (!this.#isPlaced || this.#leaving !== undefined) return undefined;
    return v1.JoinedNode.create({ index, name, address: this.#backend?.address ?? '' });
  }

  /** Global services are there now. Never rejects. */
  async welcome(globalServices: v1.GlobalServicesPlace): Promise<void> {
    if (this.joined !== undefined) await this.#perform(v1.Step.WELCOME, { globalServices });
  }

  describe(): v1.NodeDescriptionInit {
    const { index, name } = this.#options;
    const { address = '', pid = 0, cpus = 0 } = this.#backend ?? {};
    return { index, name, address, pid, cpus };
  }

  topology(): v1.TopologyOfNodeInit {
    return { node: this.#options.name, topology: this.#backend?.topology };
  }

  /** It goes: its processes are ended, and then its roles. Idempotent. */
  part(parting: v1.GuestPartingInit): void {
    if (this.#isHalting) return;
    this.#say(parting);
    this.#leaving ??= this.#leave(parting.isLost === true);
  }

  /** The run is being torn down: from now on the launcher orders each step, and the end of the guest is no failure. */
  halting(): void {
    this.#isHalting = true;
    this.#say({ cause: 'the run was torn down' });
  }

  /** Its part of a step of the teardown. Resolves to what could not be done. */
  async halt(step: v1.Step, patienceMs: number): Promise<readonly v1.PartFailed[]> {
    if (this.#leaving !== undefined) {
      if (step === v1.Step.HALT_BACKENDS) await this.#leaving;
      return [];
    }
    if (this.#backend === undefined) return [];
    return (await this.#perform(step, {}, patienceMs)).failures;
  }

  // ---- comes

  #onBackendUp(backend: v1.BackendUp, context: Context): void {
    const { run, hostId, name } = this.#options;
    if (backend.hostId !== hostId) {
      throw new ConfigError(`Host id ${backend.hostId} speaks on the channel of host id ${hostId}: that of ${name}.`);
    }
    if (backend.version !== run.version) {
      const cause = `${name} has Millrace ${backend.version}, and the run ${run.version}: install the same`;
      this.part({ cause });
      throw new ConfigError(`${cause}.`);
    }
    this.#assertStays();
    if (this.#backend !== undefined) return;
    run.infrastructure.scheduler.clearTimer(this.#late);
    this.#backend = backend;
    context.watch(run.infrastructure.reference(v1.Backend, backend.address, backendLocalCUid(hostId, 'in')));
    void this.#bringUp(backend.address).catch((error: unknown) => {
      this.part({ cause: messageOf(error).replace(/\.$/, '') });
      this.#settled.reject(error);
    });
  }

  async #bringUp(address: string): Promise<void> {
    const { events, index, name } = this.#options;
    this.#placing = this.#place(address);
    await this.#placing;
    this.#assertStays();
    const { process, ended } = await events.startWorker({ index, name });
    this.#assertStays();
    this.#worker = process;
    void ended.then((cause) => this.#lost(cause));
    this.#settled.resolve({ index, process });
    events.joined(name);
  }

  async #place(address: string): Promise<void> {
    const { run, index, hostId, name } = this.#options;
    const primary = run.primary();
    if (primary === undefined) throw new StoppedError('The run is being torn down.');
    const own = v1.NodePlace.create({ index, hostId, address });
    await this.#order(v1.Step.NODE_INDICES, { places: [primary, own] });
    await this.#order(v1.Step.CHANNELS);
    await this.#order(v1.Step.TRANSPORTS);
    const globalServices = await run.services.found();
    this.#isPlaced = true;
    await this.#order(v1.Step.WELCOME, { globalServices });
    const timeoutMs = limits.controlPlaneTimeoutMs;
    await run.services.ask((services) => services.nodeJoined({ index, name, address }, { timeoutMs }));
  }

  /** Throws StoppedError once it has to go: what would be started then, nobody would end. */
  #assertStays(): void {
    if (this.#leaving === undefined && !this.#isHalting) return;
    throw new StoppedError(`The node ${this.#options.name} has to go: it is brought up no further.`);
  }

  async #order(step: v1.Step, payload: Partial<v1.StepOrder> = {}): Promise<void> {
    const { failures } = await this.#perform(step, payload);
    this.#assertStays();
    const [first] = failures;
    if (first === undefined) return;
    throw new UnreachableError(`The step ${stepInfo(step).name} failed on ${this.#options.name}: ${first.cause}.`);
  }

  /** Never rejects. */
  #perform(
    step: v1.Step,
    payload: Partial<v1.StepOrder> = {},
    patienceMs = stepInfo(step).patienceMs,
  ): Promise<v1.StepReport> {
    const { run, index, hostId } = this.#options;
    const { names, infrastructure } = run;
    const order = v1.StepOrder.create({ step, patienceMs, nodes: names.length, ...payload });
    return performed(order, index, () => {
      if (this.#backend === undefined) throw new ProtocolError(`node ${index} has never come up`);
      const cUid = step === v1.Step.NODE_INDICES ? backendLocalCUid(hostId, 'in') : launcherBackendCUid(index);
      return infrastructure.reference(v1.Backend, this.#backend.address, cUid);
    });
  }

  // ---- goes

  #say(parting: v1.GuestPartingInit): void {
    this.#options.run.infrastructure.scheduler.clearTimer(this.#late);
    this.#parting ??= parting;
    this.#asksParting?.resolve(this.#parting);
    this.#asksParting = undefined;
    this.#settled.reject(new StoppedError(`The node ${this.#options.name} has to go: ${parting.cause}.`));
  }

  async #leave(isLost: boolean): Promise<void> {
    const { run, events, name } = this.#options;
    if (this.#backend !== undefined) {
      await this.#placing?.catch(() => {});
      for (const step of GOING) {
        for (const { part, cause } of (await this.#perform(step)).failures) {
          run.infrastructure.log.warn('a node that has joined the run has not left in order', {
            node: name,
            part,
            cause,
          });
        }
      }
    }
    await this.#gone('it has left the run');
    if (this.#worker !== '' && !isLost) events.left(name);
  }

  /** Its worker, or its own process, has ended by itself. */
  #lost(cause: string): void {
    if (this.#isHalting || this.#leaving !== undefined) return;
    const { events, name } = this.#options;
    if (this.#worker !== '') events.lost({ node: name, process: this.#worker, cause });
    this.part({ cause, isLost: true });
  }

  async #gone(cause: string): Promise<void> {
    const { run, index, name, gone } = this.#options;
    try {
      const timeoutMs = limits.controlPlaneTimeoutMs;
      await run.services.ask((services) => services.nodeLeft({ index, cause }, { timeoutMs }));
    } catch (error) {
      run.infrastructure.log.debug('global services did not hear that a node has left the run', { index, error });
    }
    gone();
    await run.infrastructure.stop(this.#listener);
    await run.display.ended(name);
  }
}
