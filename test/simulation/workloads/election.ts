import { type ActorRef, behavior, MemoryStoreContent, MillraceError, type Runtime } from '#src/index.js';
import { type Leader, LEADER_KEY, leaderIn } from '#src/actors/control-plane/index.js';
import { workload, type World } from '#src/simulation/index.js';
import { FaultyStore, type StoreTrouble } from '../faulty-store.js';
import { Parcels } from '../services/parcels.js';

const LEASE_MS = 2_000;
const SOUND: StoreTrouble = { slowMs: 0, failing: 0, isBlind: false };

/**
 * Candidates stand for the control plane through a store that is slow, fails and loses its watches, while they crash, stop, are cut off and come back. Never
 * do two serve at a time, and no epoch is served by two. One that stops gives its lease up. When all is well again, one serves, and all others have
 * joined it, with their names.
 */
export default workload('election', {
  // The node of the simulation has a control plane of its own, and takes no part.
  sizes: { nodes: [1, 1], candidates: [2, 3], members: [0, 2], spanMs: [1_000, 15_000], mishaps: [1, 8] },
  faults: { crashes: 0, cuts: 0 },
  faultMs: 0,
  settleMs: 120_000,
  async run(world) {
    const cluster = new Cluster(world);
    await cluster.start();
    const isOver = { value: false };
    const watching = cluster.watch(isOver);
    const mishaps = Array.from({ length: world.size('mishaps') }, () => mishap(world, cluster));
    await Promise.all(mishaps);
    await cluster.heal();
    await world.until('one to serve, and all to have joined it', () => cluster.isSettled);
    // Names of what has ended are given up, and the others have theirs.
    await world.pass(6_000);
    await cluster.checkNames();
    isOver.value = true;
    await watching;
    await cluster.stop();
  },
});

/** One process, with the store as it sees it. */
interface Process {
  readonly node: string;
  readonly role: 'candidate' | 'member';
  readonly trouble: StoreTrouble;
  /** How often its store was in trouble, or was mended. */
  troubles: number;
  runtime: Runtime | undefined;
  isDown: boolean;
  lives: number;
}

class Cluster {
  readonly #world: World;
  readonly #content = new MemoryStoreContent();
  readonly processes: readonly Process[];
  readonly #cuts = new Set<() => void>();
  /** Who has served which epoch. */
  readonly #served = new Map<bigint, string>();
  #isEnding = false;

  constructor(world: World) {
    this.#world = world;
    const made = (role: Process['role'], count: number): Process[] =>
      Array.from({ length: count }, (_, index) => ({
        node: `${role}-${index}`,
        role,
        trouble: { ...SOUND },
        troubles: 0,
        runtime: undefined,
        isDown: false,
        lives: 0,
      }));
    this.processes = [...made('candidate', world.size('candidates')), ...made('member', world.size('members'))];
  }

  async start(): Promise<void> {
    await Promise.all(this.processes.map((process) => this.#run(process)));
  }

  /** Starts it, again and again until it has come up, and gives its actor a name. */
  async #run(process: Process): Promise<void> {
    const { node, role, trouble } = process;
    const { executor } = this.#world;
    const life = ++process.lives;
    while (!process.isDown && process.lives === life && !this.#isEnding) {
      const { scheduler } = executor;
      const random = scheduler.fork(`store of ${node} ${life} ${scheduler.now()}`);
      const clusterStore = new FaultyStore({ content: this.#content, scheduler, random, trouble });
      const links = { leaseMs: LEASE_MS, linkDeadMs: 1_000 };
      try {
        const runtime = await executor.start({ node, clusterRole: role, clusterStore, ...links });
        if (process.isDown || process.lives !== life) return;
        process.runtime = runtime;
        runtime.spawn(own(life), { name: `own-${node}`, register: true });
        return;
      } catch (error) {
        this.#world.check(
          error instanceof MillraceError,
          `a start failed with what is no error of ours: ${String(error)}`,
        );
        await this.#world.pass(200);
      }
    }
  }

  crash(process: Process): boolean {
    if (process.isDown || process.runtime === undefined) return false;
    process.isDown = true;
    process.runtime = undefined;
    this.#world.executor.crash(process.node);
    return true;
  }

  /** Stops it as its program would. */
  async stopOne(process: Process): Promise<boolean> {
    const { runtime, troubles, trouble, node } = process;
    if (process.isDown || runtime === undefined) return false;
    const hasServed = runtime.health().controlPlane.isServedHere;
    const { controlPlane } = runtime;
    const isSound = trouble.slowMs === 0 && trouble.failing === 0 && !trouble.isBlind;
    process.isDown = true;
    process.runtime = undefined;
    await runtime.stop();
    if (hasServed && isSound && process.troubles === troubles) {
      const named = this.#named;
      this.#world.check(
        named?.address !== controlPlane,
        `${node} has stopped, and has not given up its lease of epoch ${named?.epoch}`,
      );
    }
    return true;
  }

  async restart(process: Process): Promise<void> {
    this.#world.executor.restart(process.node);
    await this.startAgain(process);
  }

  async startAgain(process: Process): Promise<void> {
    process.isDown = false;
    await this.#run(process);
  }

  setTrouble(process: Process, trouble: Partial<StoreTrouble>): void {
    process.troubles += 1;
    Object.assign(process.trouble, trouble);
  }

  /** Cuts one process off from all others: both ways, or it hears nothing of them, or they hear nothing of it. */
  cutOff({ node }: Process, how: 'cut' | 'deaf' | 'mute'): () => void {
    const others = this.processes.map((other) => other.node).filter((other) => other !== node);
    const [from, to] = how === 'deaf' ? [others, [node]] : [[node], others];
    const heal = this.#world.executor.network.partition(from, to, { isOneWay: how !== 'cut' });
    this.#cuts.add(heal);
    return () => {
      if (this.#cuts.delete(heal)) heal();
    };
  }

  async heal(): Promise<void> {
    for (const heal of this.#cuts) heal();
    this.#cuts.clear();
    for (const process of this.processes) this.setTrouble(process, SOUND);
    await this.#world.until('every process to be up', () =>
      this.processes.every(({ runtime }) => runtime !== undefined),
    );
  }

  /** Whom the store names. */
  get #named(): Leader | undefined {
    return leaderIn(this.#content.get(LEADER_KEY), 'the store of the simulation');
  }

  get #leaders(): readonly Process[] {
    return this.processes.filter(({ runtime }) => runtime?.health().controlPlane.isServedHere === true);
  }

  get isSettled(): boolean {
    return this.#leaders.length === 1 && this.processes.every(({ runtime }) => runtime?.isConnected === true);
  }

  /** Looks all the time, so often that no two leaders are missed. */
  async watch(isOver: { readonly value: boolean }): Promise<void> {
    while (!isOver.value) {
      const leaders = this.#leaders;
      this.#world.check(leaders.length <= 1, `two serve at a time: ${leaders.map(({ node }) => node).join(' and ')}`);
      this.#checkEpoch(leaders);
      await this.#world.pass(20);
    }
  }

  /** No epoch is served by two. */
  #checkEpoch([leader]: readonly Process[]): void {
    const named = this.#named;
    if (leader?.runtime === undefined || named?.address !== leader.runtime.controlPlane) return;
    const [who, epoch] = [`${leader.node}.${leader.lives}`, named.epoch];
    const before = this.#served.get(epoch);
    this.#world.check(
      before === undefined || before === who,
      `${who} serves epoch ${epoch}, which ${before} has served`,
    );
    this.#served.set(epoch, who);
  }

  async checkNames(): Promise<void> {
    for (const from of this.processes) {
      for (const { node, lives } of this.processes) {
        const found = from.runtime?.lookup(Parcels, `own-${node}`, { timeoutMs: 5_000 });
        const number = await found
          ?.then((ref: ActorRef<typeof Parcels>) =>
            ref.weigh({ number: 1, data: new Uint8Array(0) }, { timeoutMs: 3_000 }),
          )
          .then((answer) => answer.number, String);
        this.#world.check(number === lives, `the name of ${node} in life ${lives} leads ${from.node} to ${number}`);
      }
    }
  }

  async stop(): Promise<void> {
    this.#isEnding = true;
    await Promise.all(this.processes.flatMap(({ runtime }) => runtime?.stop() ?? []));
  }
}

/** An actor that says in which life of its process it was made. */
function own(life: number) {
  return behavior(Parcels, {
    put: () => {},
    nudge: () => {},
    weigh: () => ({ number: life }),
    relay: (_state, parcel) => parcel,
    end: () => {},
  });
}

async function mishap(world: World, cluster: Cluster): Promise<void> {
  const spanMs = world.size('spanMs');
  await world.pass(world.below(spanMs));
  const process = world.pick(cluster.processes);
  const forMs = 1 + world.below(world.random() < 0.5 ? 500 : spanMs);
  const how = world.pick(['crash', 'stop', 'cut', 'deaf', 'mute', 'slow', 'failing', 'blind'] as const);
  switch (how) {
    case 'crash':
      if (!cluster.crash(process)) return;
      await world.pass(forMs);
      return cluster.restart(process);
    case 'stop':
      if (!(await cluster.stopOne(process))) return;
      await world.pass(forMs);
      return cluster.startAgain(process);
    case 'cut':
    case 'deaf':
    case 'mute': {
      const heal = cluster.cutOff(process, how);
      await world.pass(forMs);
      return heal();
    }
    case 'slow':
      cluster.setTrouble(process, { slowMs: world.pick([50, LEASE_MS / 2, 2 * LEASE_MS, 8_000]) });
      break;
    case 'failing':
      cluster.setTrouble(process, { failing: world.pick([0.1, 0.5, 1]) });
      break;
    case 'blind':
      cluster.setTrouble(process, { isBlind: true });
      break;
  }
  await world.pass(forMs);
  cluster.setTrouble(process, SOUND);
}
