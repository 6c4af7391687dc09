import { type ActorRef, behavior, MemoryStoreContent, MillraceError, type Runtime } from '#src/index.js';
import { messageOf } from '#src/foreign.js';
import { workload, type World } from '#src/simulation/index.js';
import { FaultyStore } from '../faulty-store.js';
import { Parcels } from '../services/parcels.js';

const LEASE_MS = 2_000;
const NAME = 'crown';
/** A process is far away from another one by so much at most, in ms. */
const FAR_MS = 60;

/**
 * With a cluster store, the next control plane takes as long to recover as the processes take to announce themselves. A process that has joined just
 * before gets a name, and the one that serves crashes, and sometimes the next one, too, while it recovers and another process joins. Whoever else asks for
 * the name all the time never gets it, because its holder lives on, however late it announces itself.
 */
export default workload('takeover', {
  // The node of the simulation has a control plane of its own, and takes no part.
  sizes: { nodes: [1, 1], candidates: [3, 4], rivals: [1, 2], rounds: [1, 3], slowMs: [0, 200] },
  faults: { crashes: 0, cuts: 0 },
  faultMs: 0,
  settleMs: 120_000,
  async run(world) {
    const cluster = new Cluster(world);
    const names = (role: string, size: string) => Array.from({ length: world.size(size) }, (_, at) => `${role}-${at}`);
    const candidates = names('candidate', 'candidates');
    const rivals = names('rival', 'rivals');
    await Promise.all(candidates.map((node) => cluster.start(node, 'candidate')));
    await Promise.all(rivals.map((node) => cluster.start(node, 'member')));
    for (let round = 0; round < world.size('rounds'); round++) await takeOver(world, cluster, rivals, round);
    await cluster.stop();
  },
});

async function takeOver(world: World, cluster: Cluster, rivals: readonly string[], round: number): Promise<void> {
  const node = `holder-${round}`;
  const holder = await cluster.start(node, 'member');
  const ref = holder.spawn(numbered(round));
  await holder.register(NAME, ref, { timeoutMs: 20_000 });
  const isOver = { value: false };
  const claims = rivals.map((rival) => claim(world, cluster.runtime(rival), isOver));
  await world.pass(world.below(200));
  const crashed = [await cluster.crashLeader()];
  if (world.random() < 0.5) {
    // The store has the members written anew, for one that joins.
    const guest = cluster.start(`guest-${round}`, 'member');
    await cluster.leader();
    await world.pass(world.below(300));
    crashed.push(await cluster.crashLeader());
    await guest;
    await cluster.stopOne(`guest-${round}`);
  }
  await cluster.leader();
  await world.until('all to have joined the next control plane', () => cluster.areAllConnected);
  await world.pass(1_000);
  isOver.value = true;
  await Promise.all(claims);
  for (const from of rivals) {
    const found = await cluster.runtime(from).lookup(Parcels, NAME, { timeoutMs: 20_000 });
    const { number } = await found.weigh({ number: 0, data: new Uint8Array(0) }, { timeoutMs: 20_000 });
    world.check(number === round, `the name of ${node} leads ${from} to another actor, of round ${number}`);
  }
  await cluster.stopOne(node);
  await Promise.all(crashed.map((each) => cluster.restart(each)));
}

/** Asks for the name, again and again. */
async function claim(world: World, runtime: Runtime, isOver: { readonly value: boolean }): Promise<void> {
  const ref: ActorRef<typeof Parcels> = runtime.spawn(numbered(-1));
  while (!isOver.value) {
    const got = await runtime.register(NAME, ref, { timeoutMs: 3_000 }).then(
      () => undefined,
      (error: unknown) => error,
    );
    world.check(got !== undefined, 'a name was given to another actor, and its holder lives');
    if (got === undefined) return;
    world.check(got instanceof MillraceError, `a name was refused with what is no error of ours: ${messageOf(got)}`);
    await world.pass(10);
  }
}

/** Says its number. */
function numbered(number: number) {
  return behavior(Parcels, {
    put: () => {},
    nudge: () => {},
    weigh: () => ({ number }),
    relay: (_state, parcel) => parcel,
    end: () => {},
  });
}

class Cluster {
  readonly #world: World;
  readonly #content = new MemoryStoreContent();
  readonly #running = new Map<string, Runtime>();

  constructor(world: World) {
    this.#world = world;
  }

  async start(node: string, role: 'candidate' | 'member'): Promise<Runtime> {
    const { executor } = this.#world;
    const { scheduler, network } = executor;
    for (const other of this.#running.keys()) {
      network.override(node, other, { latencyMs: this.#world.below(FAR_MS) });
    }
    const random = scheduler.fork(`store of ${node} ${scheduler.now()}`);
    const trouble = { slowMs: this.#world.size('slowMs'), failing: 0, isBlind: false };
    const clusterStore = new FaultyStore({ content: this.#content, scheduler, random, trouble });
    const runtime = await executor.start({
      node,
      clusterRole: role,
      clusterStore,
      leaseMs: LEASE_MS,
      linkDeadMs: 1_000,
    });
    this.#running.set(node, runtime);
    return runtime;
  }

  runtime(node: string): Runtime {
    const runtime = this.#running.get(node);
    if (runtime === undefined) throw new Error(`${node} is not running`);
    return runtime;
  }

  get #leaders(): readonly string[] {
    return [...this.#running].flatMap(([node, runtime]) => (runtime.health().controlPlane.isServedHere ? [node] : []));
  }

  get areAllConnected(): boolean {
    return [...this.#running.values()].every((runtime) => runtime.isConnected);
  }

  /** Resolves when one serves. */
  async leader(): Promise<string> {
    await this.#world.until('one to serve the control plane', () => this.#leaders.length > 0);
    return this.#leaders[0] ?? '';
  }

  async crashLeader(): Promise<string> {
    const node = await this.leader();
    this.#running.delete(node);
    this.#world.executor.crash(node);
    return node;
  }

  async restart(node: string): Promise<void> {
    this.#world.executor.restart(node);
    await this.start(node, 'candidate');
  }

  async stopOne(node: string): Promise<void> {
    const runtime = this.runtime(node);
    this.#running.delete(node);
    await runtime.stop();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.values()].map((runtime) => runtime.stop()));
  }
}
