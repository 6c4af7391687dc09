import {
  type ActorRef,
  AskTimeoutError,
  behavior,
  CapacityError,
  type ComponentClient,
  type ComponentNetwork,
  componentNetwork,
  joinNetworks,
  MillraceError,
  type NetworkGateway,
  type ServedComponent,
  type Tolerance,
} from '#src/index.js';
import { v1 } from '#src/protocol/index.js';
import { workload, type World } from '#src/simulation/index.js';
import { carried, carrier, Carrying } from '../services/carrier.js';

/** Time in which all know what gateways reach, what has ended, and what is free again, in ms. */
const NEWS_MS = 20_000;
/** The most that a request may be late, in ms. */
const SLACK_MS = 5;
const RING = [
  ['a', 'b'],
  ['b', 'c'],
  ['c', 'a'],
] as const;

/** A network with a process that asks, and serves where it has containers. */
interface Joined {
  readonly name: string;
  readonly node: string;
  readonly controlPlane: string;
  readonly network: ComponentNetwork;
  readonly client: ComponentClient<typeof Carrying>;
  readonly served: ServedComponent | undefined;
  /** All but the peer that only looks. */
  readonly pools: readonly ActorRef<typeof v1.ComponentPool>[];
}

/**
 * Three networks in a ring of three gateways, which crash, are cut off, close and come again, under requests, tells and streams. Each request is handled once at most, is answered or fails
 * with a typed error, and comes through no network twice, which a peer of each network sees. Strangers ask gateways for what none may do. At the end nothing is lent any more.
 */
export default workload('gateways', {
  sizes: {
    nodes: [1, 1],
    requests: [5, 60],
    spanMs: [100, 4_000],
    faults: [0, 4],
    strangers: [0, 8],
    containers: [1, 3],
  },
  settleMs: 400_000,
  async run(world) {
    carried.clear();
    const places = Array.from({ length: world.size('containers') }, () => world.pick(['a', 'b', 'c']));
    const joined: Joined[] = [];
    for (const name of ['a', 'b', 'c']) {
      joined.push(await begin(world, name, places.filter((each) => each === name).length));
    }
    const gates = RING.map((names) => new Gate(world, joined, names));
    for (const gate of gates) await gate.open();
    await world.pass(NEWS_MS);
    let next = 0;
    const span = (): number => world.below(world.size('spanMs') + 1);
    const times = (name: string, turn: () => Promise<void>): Promise<void>[] =>
      Array.from({ length: world.size(name) }, async () => {
        await world.pass(span());
        await turn();
      });
    await Promise.all([
      ...times('requests', () => ask(world, world.pick(joined), ++next)),
      ...times('faults', () => disturb(world, world.pick(gates), world.pick(joined))),
      ...times('strangers', () => intrude(world, world.pick(joined))),
    ]);
    world.executor.network.heal();
    await world.pass(NEWS_MS);
    checkIdle(world, joined, gates);
    for (const each of joined) {
      const { number } = await each.client.run({ number: ++next, depth: 1 }, { timeoutMs: 10_000 });
      world.check(number === next && carried.get(next) === 1, `the last request of ${each.name} went wrong`);
    }
    await world.pass(NEWS_MS);
    checkIdle(world, joined, gates);
    for (const gate of gates) await gate.close();
    for (const { network } of joined) await network.close({ drainMs: 1_000 });
  },
});

async function begin(world: World, name: string, containers: number): Promise<Joined> {
  const node = `server-${name}`;
  const runtime = await world.executor.start({ node, name });
  const network = componentNetwork(runtime);
  const served = containers === 0 ? undefined : await network.serve(carrier, { containers });
  const group = `components of ${Carrying.typeName}`;
  const peer = runtime.spawn(peerOf(world, name));
  await runtime.register(group, peer, { group: true });
  const client = await network.client(Carrying);
  const pools: ActorRef<typeof v1.ComponentPool>[] = [];
  await runtime.watchGroup(v1.ComponentPool, group, (all) => {
    pools.splice(0, pools.length, ...all.filter((ref) => ref.toRef().cUid !== peer.toRef().cUid));
  });
  return { name, node, controlPlane: runtime.controlPlane, network, client, served, pools };
}

/** A pool without containers, which sees where requests have been that do not find any. */
function peerOf(world: World, name: string) {
  const load = { component: 'peer', node: `peer-${name}`, process: 'peer' };
  return behavior(v1.ComponentPool, {
    acquire: (_state, { networks, mayLeave }) => {
      const shown = networks.join(' ');
      world.check(!networks.includes(name), `a request has come to ${name} again, through ${shown}`);
      world.check(new Set(networks).size === networks.length, `a request has come through a network twice: ${shown}`);
      world.check(mayLeave || networks.length === 0, `a request that must not leave its network has come to ${name}`);
      return { refused: 'it has none', load: v1.PoolLoad.create(load) };
    },
    release: () => {},
    describePool: () => load,
    limitCapacity: () => ({}),
  });
}

/** A gateway in a process of its own, which comes again after each fault. */
class Gate {
  readonly node: string;
  readonly #world: World;
  readonly #ends: readonly Joined[];
  #gateway: NetworkGateway | undefined;
  #networks: readonly ComponentNetwork[] = [];
  #isBusy = false;

  constructor(world: World, joined: readonly Joined[], names: readonly string[]) {
    this.#world = world;
    this.node = `gate-${names.join('')}`;
    this.#ends = joined.filter(({ name }) => names.includes(name));
  }

  get requests(): number {
    return (this.#gateway?.explain() ?? []).reduce((sum, { requests }) => sum + requests, 0);
  }

  async open(): Promise<void> {
    for (let isOpen = false; !isOpen; ) {
      try {
        await this.#start();
        isOpen = true;
      } catch (error) {
        typed(this.#world, error, `${this.node} does not start`);
        await this.#stop();
        await this.#world.pass(500);
      }
    }
  }

  /** One fault at a time. */
  async fail(fault: (gate: Gate) => Promise<void>): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    await fault(this);
    this.#isBusy = false;
  }

  async crash(forMs: number): Promise<void> {
    const { executor } = this.#world;
    executor.crash(this.node);
    await this.#world.pass(forMs);
    executor.restart(this.node);
    await this.open();
  }

  async again(drainMs: number): Promise<void> {
    await this.#gateway?.close({ drainMs });
    await this.#stop();
    await this.open();
  }

  async close(): Promise<void> {
    await this.#gateway?.close({ drainMs: 1_000 });
    for (const network of this.#networks) await network.close({ drainMs: 0 });
  }

  async #start(): Promise<void> {
    const networks: [string, ComponentNetwork][] = [];
    for (const { name, controlPlane } of this.#ends) {
      const runtime = await this.#world.executor.start({ node: this.node, name, controlPlane });
      networks.push([name, componentNetwork(runtime)]);
    }
    this.#networks = networks.map(([, network]) => network);
    this.#gateway = await joinNetworks(Object.fromEntries(networks), { services: [Carrying], requests: 50 });
  }

  async #stop(): Promise<void> {
    for (const runtime of this.#world.executor.runtimes) if (runtime.node === this.node) await runtime.stop();
  }
}

async function disturb(world: World, gate: Gate, { node }: Joined): Promise<void> {
  const forMs = 1 + world.below(3_000);
  await gate.fail(async () => {
    switch (world.below(3)) {
      case 0:
        return gate.crash(forMs);
      case 1:
        return gate.again(forMs);
      default: {
        const heal = world.executor.network.partition([gate.node], [node]);
        await world.pass(forMs);
        heal();
      }
    }
  });
}

async function ask(world: World, { client }: Joined, number: number): Promise<void> {
  const timeoutMs = 100 + world.below(2_000);
  const within = world.random() < 0.5 ? undefined : world.below(100);
  const only = world.random() < 0.2 ? 'network' : 'any';
  const deadlineMs = world.nowMs + timeoutMs;
  const kind = world.below(3);
  const options = { timeoutMs, within, only } as const;
  let isTold = false;
  try {
    if (kind === 0) await client.run({ number, depth: world.below(100) }, options);
    else if (kind === 1) await client.push({ number }, options);
    else await read(world, client, number, options);
    if (kind !== 1) expectHandled(world, number, 1, 1, 'was answered');
    isTold = kind === 1 && world.size('faults') === 0;
  } catch (error) {
    typed(world, error, `request ${number} failed`);
    const isUsual = error instanceof CapacityError || error instanceof AskTimeoutError;
    world.check(isUsual || world.size('faults') > 0, `request ${number} failed without a fault: ${String(error)}`);
    expectHandled(world, number, 0, error instanceof CapacityError ? 0 : 1, `failed (${String(error)})`);
  }
  const lateMs = world.nowMs - deadlineMs;
  world.check(kind === 2 || lateMs <= SLACK_MS, `request ${number} ended ${lateMs} ms after its deadline`);
  await world.pass(NEWS_MS);
  expectHandled(world, number, isTold ? 1 : 0, 1, 'is over');
}

/** Some readers leave before the end. */
async function read(
  world: World,
  client: ComponentClient<typeof Carrying>,
  number: number,
  options: Tolerance & { readonly timeoutMs: number },
): Promise<void> {
  const [length, most] = [world.below(60), 1 + world.below(60)];
  let index = 0;
  for await (const element of client.list({ number, depth: length }, options)) {
    world.check(element.number === index, `element ${index} of stream ${number} is ${element.number}`);
    index++;
    if (index === most) return;
  }
  world.check(index === length, `stream ${number} has ended after ${index} of ${length} elements`);
}

/** What no peer of ours asks: a request with a made-up list of networks. */
async function intrude(world: World, { network, pools }: Joined): Promise<void> {
  if (pools.length === 0) return;
  const networks = Array.from({ length: world.below(4) }, () => world.pick(['a', 'b', 'c', '', 'x'.repeat(99)]));
  const caller = network.runtime.spawn(behavior(v1.ComponentCaller, { poolLoaded: () => {} })).toRef();
  const request = {
    caller,
    id: 1,
    timeoutMs: 500,
    leaseMs: 500,
    withinMs: 10,
    networks,
    mayLeave: world.random() < 0.8,
  };
  await world
    .pick(pools)
    .acquire(request, { timeoutMs: 1_000 })
    .catch((error: unknown) => typed(world, error, 'a stranger was not refused'));
}

function expectHandled(world: World, number: number, least: number, most: number, what: string): void {
  const count = carried.get(number) ?? 0;
  world.check(count >= least && count <= most, `request ${number} ${what}, and was handled ${count} times`);
}

function checkIdle(world: World, joined: readonly Joined[], gates: readonly Gate[]): void {
  for (const { node, requests } of gates) world.check(requests === 0, `${node} still passes on ${requests} requests`);
  for (const { name, served } of joined) {
    const { containers = 0, idle = 0, waiting = 0 } = served?.load() ?? {};
    world.check(
      idle === containers && waiting === 0,
      `${name} has ${containers} containers, ${idle} idle, ${waiting} wait`,
    );
  }
}

function typed(world: World, error: unknown, what: string): void {
  world.check(error instanceof MillraceError, `${what} with what is no error of ours: ${String(error)}`);
}
