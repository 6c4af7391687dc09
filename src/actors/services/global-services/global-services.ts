import type { ClusterStore } from '../../../cluster-store/index.js';
import { AskTimeoutError, ConfigError, ProtocolError, UnreachableError } from '../../../errors.js';
import { messageOf } from '../../../foreign.js';
import { shepherdCUid } from '../../../ids/index.js';
import { limits } from '../../../limits.js';
import { type EmptyInit, v1 } from '../../../protocol/index.js';
import { pause } from '../../../scheduler/index.js';
import { isLate, retryAsk } from '../../control-plane/index.js';
import {
  type ActorRef,
  assertSentFrom,
  type Behavior,
  behavior,
  deadlineOf,
  deferred,
  later,
  type Later,
  senderAddress,
  senderIdentity,
} from '../../kernel/index.js';
import type { Infrastructure } from '../infrastructure.js';
import { GroupKeeper } from './kept-groups.js';
import { ManagedProcesses } from './managed-processes.js';
import { ProcessGroups } from './process-groups.js';
import { byPUid, described, nameOf, required } from './queries.js';
import { ResourceLists } from './resource-lists.js';
import { processesOf, TakeOver } from './take-over.js';

export interface GlobalServicesOptions {
  readonly infrastructure: Infrastructure;
  /** Address of the primary node, which knows where all nodes are. In a run with a cluster store the launcher says that. */
  readonly primary: string;
  readonly controlPlane: string;
  /** Address of the launcher. */
  readonly launcher: string;
  readonly nodes: number;
  /** Called when the answer to `halt` is on its way. */
  readonly endProcess: () => void;
  /** In a run with a cluster store. */
  readonly term?: Term;
}

/** The time for which these global services serve, after others and before others. */
export interface Term {
  readonly epoch: bigint;
  readonly store: ClusterStore;
  /** The store may have the groups of an earlier run. */
  readonly run: string;
}

const { PROCESS, CHANNEL, GROUP } = v1.ResourceKind;

/** Time in ms beyond a process's patience for the answer to arrive. */
const MARGIN_MS = 5_000;
/** Time in ms between two attempts to end a process whose start was not confirmed. */
const UNDO_PAUSE_MS = 1_000;

/** Names and descriptors of everything in a run. It orders the shepherds of the nodes to start, signal and end processes. */
export class GlobalServices {
  readonly #options: GlobalServicesOptions;
  readonly #processes: ManagedProcesses;
  readonly #groups = new ProcessGroups();
  readonly #keeper: GroupKeeper | undefined;
  readonly #others: ResourceLists;
  readonly #starting = new Map<bigint, Promise<v1.ResourceDescriptor>>();
  /** Groups of which the store does not know yet. */
  readonly #keeping = new Map<bigint, Promise<void>>();
  readonly #taking: TakeOver;
  #isHalting = false;

  constructor(options: GlobalServicesOptions) {
    this.#options = options;
    const { infrastructure, term } = options;
    this.#processes = new ManagedProcesses(term?.epoch);
    this.#keeper = term && new GroupKeeper(term.store, term.run);
    this.#others = new ResourceLists(infrastructure, options);
    this.#taking = new TakeOver(term !== undefined);
  }

  behavior(): Behavior<typeof v1.GlobalServices, undefined> {
    return behavior(v1.GlobalServices, {
      supervision: { onFailure: 'resume' },
      create: (_state, request, context) => this.#serving().#create(request, senderIdentity(context)),
      query: (_state, query) => later(this.#serving().#find(query)),
      list: (_state, { kind }) => later(this.#serving().#list(kind)),
      join: (_state, query, context) => this.#serving().#join(query, deadlineOf(context)),
      kill: (_state, { resource, signal }) => later(this.#serving().#kill(required(resource), signal)),
      destroy: (_state, { resource, patienceMs }) => later(this.#serving().#destroy(required(resource), patienceMs)),
      takeOver: (_state, { nodes }, context) => {
        assertSentFrom(context, this.#options.launcher, 'The order to take over');
        return later(this.#taking.once(() => this.#takeOver(nodes)).then(() => ({})));
      },
      exited: (_state, exit, context) => later(this.#serving().#exited(exit, senderAddress(context))),
      nodeJoined: (_state, guest, context) => {
        assertSentFrom(context, this.#options.launcher, 'News of a node');
        if (this.#isHalting) throw new ConfigError('No node can join: the run is being torn down.');
        this.#serving().#others.nodeJoined(guest);
        return {};
      },
      nodeLeft: (_state, { index, cause }, context) => {
        assertSentFrom(context, this.#options.launcher, 'News of a node');
        this.#serving().#others.nodeLeft(index);
        for (const { id: pUid, node } of this.#processes.alive()) {
          if (node === index) this.#failed(pUid, new UnreachableError(cause));
        }
        return {};
      },
      haltApplication: (_state, { patienceMs }) =>
        later(
          this.#serving()
            .#haltApplication(patienceMs)
            .then(() => ({})),
        ),
      halt: () => {
        this.#isHalting = true;
        this.#options.infrastructure.scheduler.scheduleYield(this.#options.endProcess);
        return {};
      },
    });
  }

  // ---- after others

  /** Throws Refusal, that asks to ask again, before these global services have taken over what there is. */
  #serving(): this {
    this.#taking.assertDone();
    return this;
  }

  /** The nodes know their processes, and the store has the groups. Rejects where one of them does not answer. */
  async #takeOver(nodes: readonly v1.JoinedNode[]): Promise<void> {
    const { infrastructure, term } = this.#options;
    const inventories = processesOf(infrastructure, nodes, term?.epoch ?? 0n);
    const [kept, found] = await Promise.all([this.#keeper?.read(), inventories]);
    for (const node of nodes) this.#others.nodeJoined(node);
    for (const { process, node } of found) this.#processes.restore(process, node);
    if (kept !== undefined) this.#groups.restore(kept);
  }

  // ---- create

  /** `requester`: who has sent the request. What another one has asked for under the same tag is another request. */
  #create(
    request: v1.ResourceToCreate,
    requester: string,
  ): v1.ResourceDescriptorInit | Later<v1.ResourceDescriptorInit> {
    if (this.#isHalting) throw new ConfigError('Nothing can be created: the run is being torn down.');
    const { kind, members } = request;
    if (kind === PROCESS) return later(this.#createProcess(request, requester));
    if (kind === GROUP) {
      for (const member of members) this.#processes.get(member);
      return later(this.#createGroup(request, requester));
    }
    throw new ConfigError(
      `Global services create processes and groups, no ${nameOf(kind)}: spawn an actor and register its name, or create a pool in a runtime.`,
    );
  }

  /** A request that is repeated waits for the write of the first one. */
  async #createGroup(request: v1.ResourceToCreate, requester: string): Promise<v1.ResourceDescriptor> {
    const { group, isNew } = this.#groups.create(request, requester);
    if (isNew) {
      const work = this.#keepGroups(() => this.#groups.remove(group)).finally(() => this.#keeping.delete(group.id));
      this.#keeping.set(group.id, work);
    }
    await this.#keeping.get(group.id);
    return group;
  }

  async #createProcess(request: v1.ResourceToCreate, requester: string): Promise<v1.ResourceDescriptor> {
    const { process, isNew } = this.#processes.create(request, requester);
    const starting = this.#starting.get(process.id);
    if (!isNew) return starting ?? process;
    const work = this.#start(process, request, requester).finally(() => this.#starting.delete(process.id));
    this.#starting.set(process.id, work);
    return work;
  }

  async #start(
    { id: pUid, name }: v1.ResourceDescriptor,
    request: v1.ResourceToCreate,
    requester: string,
  ): Promise<v1.ResourceDescriptor> {
    const { infrastructure, term } = this.#options;
    const { scheduler } = infrastructure;
    const { tag } = request;
    const epoch = term?.epoch ?? 0n;
    try {
      const shepherd = await this.#shepherd(request.node);
      const { pid } = await retryAsk(scheduler, limits.controlPlaneTimeoutMs, (options) =>
        shepherd.start({ ...required(request.process), pUid, name, requester, tag, epoch }, options),
      );
      return this.#processes.started(pUid, pid);
    } catch (error) {
      if (isLate(error)) void this.#undo(pUid, request.node, error);
      else this.#failed(pUid, error);
      throw error;
    }
  }

  /**
   * The shepherd has not answered in time, and may have started the process: that is ended, and keeps its name until the shepherd says that it has ended
   * or was never started. Never rejects.
   */
  async #undo(pUid: bigint, node: number, cause: unknown): Promise<void> {
    const { scheduler } = this.#options.infrastructure;
    while (this.#processes.find(byPUid(pUid))?.state === v1.ProcessState.STARTING) {
      try {
        const shepherd = await this.#shepherd(node);
        const exit = await retryAsk(scheduler, limits.controlPlaneTimeoutMs, (options) =>
          shepherd.end({ pUid, patienceMs: 0 }, options),
        );
        this.#processes.exited(exit);
      } catch (error) {
        if (isLate(error)) await pause(scheduler, UNDO_PAUSE_MS);
        else this.#failed(pUid, cause);
      }
    }
  }

  /** `by`: where the shepherd is that says so; undefined for one that is here. */
  async #exited(exit: v1.ProcessExit, by: string | undefined): Promise<EmptyInit> {
    const process = this.#processes.find(byPUid(exit.pUid));
    if (process === undefined || process.state === v1.ProcessState.ENDED) return {};
    if (by !== undefined && by !== (await this.#others.addressOf(process.node ?? 0))) {
      throw new ProtocolError(
        `News of the end of process ${exit.pUid} was refused: it did not arrive from the node of that process.`,
      );
    }
    this.#processes.exited(exit);
    return {};
  }

  #failed(pUid: bigint, error: unknown): void {
    this.#processes.exited(v1.ProcessExit.create({ pUid, failure: messageOf(error) }));
  }

  // ---- look up

  async #find(query: v1.ResourceToQuery): Promise<v1.ResourceDescriptorInit> {
    const found =
      query.kind === PROCESS
        ? this.#processes.find(query)
        : query.kind === GROUP
          ? this.#groups.find(query)
          : await this.#others.find(query);
    if (found === undefined) throw new ConfigError(`There is no ${described(query)} in this run.`);
    return found;
  }

  async #list(kind: v1.ResourceKind): Promise<v1.ResourceDescriptorsInit> {
    if (kind === PROCESS) return { resources: [...this.#processes.all()] };
    if (kind === GROUP) return { resources: [...this.#groups.all()] };
    const resources = await this.#others.list(kind);
    return { resources: resources.map((each) => v1.ResourceDescriptor.create(each)) };
  }

  /** A process or group is joined when it has ended, another resource when it is there. */
  #join(query: v1.ResourceToQuery, deadlineMs: number | undefined): Later<v1.ResourceDescriptorInit> {
    const remainingMs = Math.max(0, (deadlineMs ?? 0) - this.#options.infrastructure.scheduler.now());
    if (query.kind === PROCESS) return later(this.#ended(query, remainingMs));
    if (query.kind === GROUP) return later(this.#groupEnded(query, remainingMs));
    if (query.kind === CHANNEL && query.which.case === 'name') {
      return later(this.#others.channel(query.which.value, remainingMs));
    }
    return later(this.#find(query));
  }

  /** Resolves when the process has ended. What waits longer than its caller is forgotten. Rejects with ConfigError for a process that is gone. */
  async #ended(query: v1.ResourceToQuery, remainingMs: number): Promise<v1.ResourceDescriptor> {
    const { which } = query;
    const gone = which.case === 'id' ? this.#processes.whyGone(which.value) : undefined;
    if (gone !== undefined) throw new ConfigError(`The ${described(query)} ${gone}.`);
    const { scheduler } = this.#options.infrastructure;
    const ended = deferred<v1.ResourceDescriptor>();
    const unwatch = this.#processes.watch(query, (process) => {
      if (process.state === v1.ProcessState.ENDED) ended.resolve(process);
    });
    const timer = scheduler.setTimer(remainingMs, () =>
      ended.reject(new AskTimeoutError(`The ${described(query)} has not ended yet: join it again.`)),
    );
    try {
      return await ended.reply;
    } finally {
      scheduler.clearTimer(timer);
      unwatch();
    }
  }

  async #groupEnded(query: v1.ResourceToQuery, remainingMs: number): Promise<v1.ResourceDescriptorInit> {
    const group = await this.#find(query);
    const members = (group.members ?? []).filter((pUid) => this.#processes.whyGone(pUid) === undefined);
    await Promise.all(members.map((pUid) => this.#ended(byPUid(pUid), remainingMs)));
    return group;
  }

  // ---- kill and destroy

  async #kill(query: v1.ResourceToQuery, signal: string): Promise<EmptyInit> {
    const processes = await this.#processesOf(query);
    await allDone(
      processes.map(async ({ id: pUid, node = 0 }) => {
        const shepherd = await this.#shepherd(node);
        await shepherd.signal({ pUid, signal }, { timeoutMs: limits.controlPlaneTimeoutMs });
      }),
    );
    return {};
  }

  async #destroy(query: v1.ResourceToQuery, patienceMs: number): Promise<v1.ResourceDescriptorInit> {
    const processes = await this.#processesOf(query);
    await Promise.all(processes.map((process) => this.#end(process, patienceMs)));
    const resource = await this.#find(query);
    const group = query.kind === GROUP ? this.#groups.find(query) : undefined;
    if (group !== undefined) await this.#keepGroups(this.#groups.remove(group));
    return resource;
  }

  /** Resolves when others that follow would know the groups as they are now; where that cannot be, `undo` is called, and it rejects. */
  async #keepGroups(undo: () => void): Promise<void> {
    try {
      await this.#keeper?.write(() => this.#groups.kept());
    } catch (error) {
      undo();
      throw error;
    }
  }

  async #haltApplication(patienceMs: number): Promise<void> {
    this.#isHalting = true;
    await Promise.allSettled(this.#starting.values());
    await allDone(this.#processes.alive().map((process) => this.#end(process, patienceMs)));
  }

  async #end({ id: pUid, node = 0 }: v1.ResourceDescriptor, patienceMs: number): Promise<void> {
    const shepherd = await this.#shepherd(node);
    this.#processes.exited(await shepherd.end({ pUid, patienceMs }, { timeoutMs: patienceMs + MARGIN_MS }));
  }

  /** The processes that a process or group means, those that have ended left out. */
  async #processesOf(query: v1.ResourceToQuery): Promise<readonly v1.ResourceDescriptor[]> {
    if (query.kind !== PROCESS && query.kind !== GROUP) {
      throw new ConfigError(`A ${nameOf(query.kind)} cannot be killed or destroyed: it ends with its process or node.`);
    }
    const found = await this.#find(query);
    const pUids = query.kind === PROCESS ? [found.id ?? 0n] : (found.members ?? []);
    const processes = pUids.flatMap((pUid) => this.#processes.find(byPUid(pUid)) ?? []);
    return processes.filter(({ state }) => state !== v1.ProcessState.ENDED);
  }

  async #shepherd(node: number): Promise<ActorRef<typeof v1.Shepherd>> {
    const address = await this.#others.addressOf(node);
    return this.#options.infrastructure.reference(v1.Shepherd, address, shepherdCUid(node));
  }
}

/** Resolves when all have; where one rejects, rejects like it when the others have settled. */
async function allDone(works: readonly Promise<unknown>[]): Promise<void> {
  for (const work of await Promise.allSettled(works)) if (work.status === 'rejected') throw work.reason;
}
