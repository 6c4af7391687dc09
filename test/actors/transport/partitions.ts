import { expect } from 'chai';
import {
  type ActorRef,
  ActorSystem,
  type Behavior,
  behavior,
  type BehaviorOptions,
  describeActor,
  type Handlers,
  type KernelLimits,
  type Tracing,
  type UntypedRef,
} from '#src/actors/kernel/index.js';
import {
  Kinship,
  type MessageFields,
  newProcessKey,
  Router,
  type RouterOptions,
  transportActor,
} from '#src/actors/transport/index.js';
import { UnreachableError } from '#src/errors.js';
import { CUidAllocator } from '#src/ids/index.js';
import { type LogRecord, memoryLogger } from '#src/logging/index.js';
import type { AnyService } from '#src/protocol/index.js';
import { RealScheduler, type Scheduler, VirtualScheduler } from '#src/scheduler/index.js';
import type { Transport } from '#src/transport/index.js';
import { MemoryNetwork, type MemoryNetworkOptions } from '#src/transport/memory/index.js';
import { pass } from '../../support/offered-load.js';
import { until } from '../../support/until.js';
import { Depot, Errands, Listing } from './errands.js';

export interface WorldOptions extends Omit<MemoryNetworkOptions, 'scheduler'> {
  readonly seed?: number;
  readonly isReal?: boolean;
  readonly kernelLimits?: Partial<KernelLimits>;
  readonly linkLimits?: RouterOptions['limits'];
  readonly tracing?: Tracing;
}

/** One partition: its actors and its router. */
export interface Partition {
  readonly name: string;
  readonly ordinal: number;
  readonly address: string;
  readonly system: ActorSystem;
  readonly router: Router;
  readonly transport: Transport;
  readonly log: readonly LogRecord[];
  /** Channel of its TransportActor. */
  readonly transportCUid: bigint;
}

const open: PartitionWorld[] = [];

/** Those of one incarnation are partitions of one process. */
const key = newProcessKey();
const kinship = new Kinship(() => key);

interface StartOptions {
  readonly hasJoined?: boolean;
  readonly linkDeadMs?: number;
  readonly fields?: MessageFields;
  readonly incarnation?: bigint;
}

/** Partitions on a pseudo-network, in virtual time unless `isReal`. Where others are is known to all: no control plane is needed. */
export class PartitionWorld {
  readonly scheduler: Scheduler;
  readonly network: MemoryNetwork;
  readonly seed: number;
  readonly errors: unknown[] = [];
  /** Times that a partition was looked up. */
  lookups = 0;
  readonly #retired = new Set<number>();
  readonly #options: WorldOptions;
  readonly #partitions: Partition[] = [];
  #ordinals = 0;

  constructor(options: WorldOptions = {}) {
    const { seed = 7, isReal = false, kernelLimits: _kernel, linkLimits: _link, tracing: _, ...network } = options;
    this.#options = options;
    this.seed = seed;
    this.scheduler = isReal
      ? new RealScheduler()
      : new VirtualScheduler({ seed, onError: (error) => this.errors.push(error) });
    this.network = new MemoryNetwork({ linkDeadMs: 3_000, ...network, scheduler: this.scheduler });
    open.push(this);
  }

  /** Starts `node/process`. */
  async start(
    name: string,
    { hasJoined = true, linkDeadMs, fields, incarnation }: StartOptions = {},
  ): Promise<Partition> {
    const { kernelLimits, linkLimits = {}, tracing } = this.#options;
    const [node = '', process = ''] = name.split('/');
    const ordinal = ++this.#ordinals;
    const { scheduler } = this;
    const logger = memoryLogger();
    // The first two ids are those of the actors that every partition has at most once.
    const cUids = new CUidAllocator(ordinal, 2);
    const system = new ActorSystem({
      name: `${node}-${process}`,
      scheduler,
      logger,
      limits: kernelLimits,
      cUids: () => cUids.next(),
      tracing,
      ...(incarnation !== undefined && { incarnation }),
    });
    const crashed = (): void => void end(system, router);
    const transport = this.network.transport({
      node,
      process,
      crashed,
      ...(linkDeadMs !== undefined && { linkDeadMs }),
    });
    const router: Router = new Router({ system, scheduler, transport, log: logger, limits: linkLimits, kinship });
    const address = await router.listen();
    if (hasJoined) router.join(ordinal, async (other) => this.#locate(other), fields);
    const transportCUid = cUids.next();
    system.spawn(transportActor(router), { name: 'transport', cUid: transportCUid });
    const log = logger.records;
    const partition = { name, ordinal, address, system, router, transport, log, transportCUid };
    this.#partitions.push(partition);
    return partition;
  }

  /** From now on it is known that this partition has ended for good. */
  retire({ ordinal }: Partition): void {
    this.#retired.add(ordinal);
  }

  /** The same actor as `from` sees it, over a link. */
  reach<S extends AnyService>(from: Partition, service: S, ref: ActorRef<S>): ActorRef<S> {
    return from.system.reference(service, ref.toRef());
  }

  /** Resolves when time has come to `atMs`. */
  pass(durationMs: number): Promise<void> {
    return pass(this.scheduler, durationMs);
  }

  /** Ends everything, and holds that nothing is left. */
  async end(): Promise<void> {
    this.network.heal();
    for (const { system, router } of this.#partitions) await end(system, router);
    await until('the network to be quiet', () => this.scheduler.pendingTimers === 0);
    for (const { system, router, name } of this.#partitions) {
      expect(system.statistics, name).to.include({ actors: 0, pendingAsks: 0, mailboxBytes: 0, openStreams: 0 });
      expect([...router.channels()], `links of ${name}`).to.deep.equal([]);
      expect(router.waitingReplies.total, `replies that wait in ${name}`).to.equal(0);
      expect(router.grantedBytes.used, `bytes that ${name} has granted`).to.equal(0);
    }
    expect(this.network.statistics).to.include({ openLinks: 0, framesInFlight: 0, bytesInFlight: 0, timers: 0 });
    if (this.scheduler instanceof VirtualScheduler) this.scheduler.close();
    expect(this.errors, 'thrown out of a turn').to.deep.equal([]);
  }

  #locate(ordinal: number): string | undefined {
    this.lookups += 1;
    if (this.#retired.has(ordinal)) return undefined;
    const found = this.#partitions.find((partition) => partition.ordinal === ordinal);
    if (found === undefined) throw new UnreachableError(`no partition ${ordinal}`);
    return found.address;
  }
}

async function end(system: ActorSystem, router: Router): Promise<void> {
  await system.shutdown();
  await router.close();
}

/** What an actor of a partition is called in another one, which has no name of it. */
export function pathIn({ system, address }: Partition, ref: UntypedRef): string {
  return `${describeActor(ref.toRef())} in partition ${system.name} at ${address}`;
}

/** For `afterEach`: ends all worlds; a failure names their seeds. */
export async function endWorlds(this: Mocha.Context): Promise<void> {
  const worlds = open.splice(0);
  if (this.currentTest?.state === 'failed') {
    console.error(`      seeds: ${worlds.map(({ seed }) => seed).join(', ')}`);
  }
  for (const world of worlds) await world.end();
}

type ErrandsDefinition<State> = BehaviorOptions<State> & Partial<Handlers<typeof Errands, State>>;

/** An actor that runs errands: answers what it is asked, `definition` apart. */
export function errands<State = undefined>(definition: ErrandsDefinition<State> = {}): Behavior<typeof Errands, State> {
  const idle: Handlers<typeof Errands, State> = {
    push: () => {},
    urge: () => {},
    run: (_state, { value, load }) => ({ value, load }),
    rush: (_state, { value, load }) => ({ value, load }),
  };
  return behavior<typeof Errands, State>(Errands, { ...idle, ...definition });
}

type ListingDefinition<State> = BehaviorOptions<State> & Partial<Handlers<typeof Listing, State>>;

/** An actor that lists numbers up to what it is asked for, `definition` apart. */
export function listing<State = undefined>(definition: ListingDefinition<State> = {}): Behavior<typeof Listing, State> {
  const plain: Handlers<typeof Listing, State> = {
    push: () => {},
    run: (_state, { value, load }) => ({ value, load }),
    list: async function* (_state, { value }) {
      for (let next = 0; next < value; next++) yield { value: next };
    },
  };
  return behavior<typeof Listing, State>(Listing, { ...plain, ...definition });
}

type DepotDefinition<State> = BehaviorOptions<State> & Partial<Handlers<typeof Depot, State>>;

/** An actor that adds up what is loaded, and answers each line of a chat with its double, `definition` apart. */
export function depot<State = undefined>(definition: DepotDefinition<State> = {}): Behavior<typeof Depot, State> {
  const plain: Handlers<typeof Depot, State> = {
    run: (_state, { value }) => ({ value }),
    load: async (_state, requests) => {
      let sum = 0;
      for await (const { value } of requests) sum += value;
      return { value: sum };
    },
    chat: async function* (_state, requests) {
      for await (const { value } of requests) yield { value: value * 2 };
    },
  };
  return behavior<typeof Depot, State>(Depot, { ...plain, ...definition });
}
