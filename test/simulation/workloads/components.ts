import {
  AskTimeoutError,
  CapacityError,
  type ComponentClient,
  type ComponentNetwork,
  componentNetwork,
  govern,
  type Governor,
  MillraceError,
  type ServedComponent,
} from '#src/index.js';
import { type SimulatedNode, workload, type World } from '#src/simulation/index.js';
import { handled, teller, Telling } from '../services/teller.js';
import { teller as nextTeller } from '../services/teller-next.js';

/** Governors that were not reached hear of limits after this time in ms, and those who use a lost pool of its end. */
const NEWS_MS = 15_000;
/** The most that a request may be late, in ms. */
const SLACK_MS = 5;

/** A process that serves, and asks. */
interface Part {
  readonly node: SimulatedNode;
  readonly generation: number;
  readonly network: ComponentNetwork;
  readonly governor: Governor;
  readonly served: ServedComponent;
  readonly client: ComponentClient<typeof Telling>;
}

/**
 * Requests to components, while nodes crash, are cut off and replace their containers by another version, and limits change: each is handled once and answered, or fails with a
 * typed error by its deadline. At the end nothing is left of any, and the containers are within the last limit.
 */
export default workload('components', {
  sizes: { nodes: [2, 4], requests: [1, 60], deployments: [0, 5], limits: [0, 3], spanMs: [100, 4_000] },
  faults: { crashes: 2, cuts: 3 },
  faultMs: 4_000,
  settleMs: 120_000,
  runtime: () => ({ kernelLimits: { stopTimeoutMs: 500 } }),
  async run(world) {
    handled.clear();
    const parts: Part[] = [];
    const work: Promise<void>[] = [];
    let next = 0;
    world.everyStart((node) => work.push(begin(world, node, parts, () => ++next)));
    await world.until('all faults to be healed', () => world.isHealed || world.plan.faults.length === 0);
    await world.until('every node to be up', () => world.nodes.every((node) => node.isUp));
    await world.pass(NEWS_MS);
    await Promise.all(work);
    const alive = parts.filter(lives);
    const [first] = alive;
    await first?.governor.setNetworkLimit(2 * alive.length);
    await world.pass(NEWS_MS);
    const limits = alive.map(({ governor }) => governor.networkLimit);
    world.check(new Set(limits).size <= 1, `governors know other limits of the network: ${limits.join(', ')}`);
    const total = alive.reduce((sum, { served }) => sum + served.containers, 0);
    world.check(total <= 2 * alive.length, `there are ${total} containers, and the limit is ${2 * alive.length}`);
    for (const part of alive) await checkIdle(world, part, ++next);
    for (const { network } of alive) await network.close({ drainMs: 1_000 });
  },
});

/** What a process does from its start: it serves, asks, deploys, and changes limits. */
async function begin(world: World, node: SimulatedNode, parts: Part[], next: () => number): Promise<void> {
  const part = await serve(world, node);
  if (part === undefined) return;
  parts.push(part);
  const span = (): number => world.below(world.size('spanMs') + 1);
  const times = async (name: string, turn: () => Promise<void>): Promise<void> => {
    const all = Array.from({ length: world.size(name) }, async () => {
      await world.pass(span());
      if (lives(part)) await turn();
    });
    await Promise.all(all);
  };
  await Promise.all([
    times('requests', () => ask(world, part, next())),
    times('deployments', () => deploy(world, part)),
    times('limits', () => limit(world, part)),
  ]);
}

async function serve(world: World, node: SimulatedNode): Promise<Part | undefined> {
  const { runtime, generation } = node;
  if (runtime === undefined) return undefined;
  try {
    const network = componentNetwork(runtime);
    const governor = govern(network, { limit: 4 });
    const served = await network.serve(teller, { containers: { min: 1, max: 4 }, wedgedMs: 500, recycleAfter: 20 });
    return { node, generation, network, governor, served, client: await network.client(Telling) };
  } catch (error) {
    if (node.isUp && node.generation === generation) typed(world, error, 'a component is not served');
    return undefined;
  }
}

async function ask(world: World, part: Part, number: number): Promise<void> {
  const timeoutMs = 100 + world.below(2_000);
  const within = world.random() < 0.5 ? undefined : world.below(100);
  const deadlineMs = world.nowMs + timeoutMs;
  let count = 0;
  try {
    await part.client.run({ number, depth: world.below(60) }, { timeoutMs, within });
    count = handled.get(number) ?? 0;
    world.check(count === 1, `request ${number} was answered, and handled ${count} times`);
  } catch (error) {
    // The code of a process ends when the process crashes.
    if (!lives(part)) return;
    typed(world, error, `request ${number} failed`);
    const isUsual = error instanceof CapacityError || error instanceof AskTimeoutError;
    world.check(isUsual || world.plan.faults.length > 0, `request ${number} failed without a fault: ${String(error)}`);
    count = handled.get(number) ?? 0;
    const most = error instanceof CapacityError ? 0 : 1;
    world.check(count <= most, `request ${number} failed, and was handled ${count} times: ${String(error)}`);
  }
  const lateMs = world.nowMs - deadlineMs;
  world.check(!lives(part) || lateMs <= SLACK_MS, `request ${number} ended ${lateMs} ms after its deadline`);
}

async function deploy(world: World, { node, generation, served }: Part): Promise<void> {
  try {
    await served.replace(world.random() < 0.5 ? teller : nextTeller, { drainMs: 3_000 });
  } catch (error) {
    // Another deployment is under way, or a container did not end in time: the old ones go on.
    if (lives({ node, generation })) typed(world, error, 'a deployment failed');
  }
}

async function limit(world: World, { node, generation, governor }: Part): Promise<void> {
  try {
    const containers = world.below(8);
    if (world.random() < 0.5) await governor.setNetworkLimit(containers);
    else await governor.setNodeLimit(containers, world.pick(world.nodes).name);
  } catch (error) {
    if (lives({ node, generation })) typed(world, error, 'a limit was not set');
  }
}

/** No request has left a container that is not lent any more, and the next one is answered where there is one. */
async function checkIdle(world: World, part: Part, number: number): Promise<void> {
  const { containers, idle, waiting } = part.served.load();
  const { name } = part.node;
  world.check(
    idle === containers && waiting === 0,
    `${name} has ${containers} containers, ${idle} idle, ${waiting} wait`,
  );
  if (containers > 0) await ask(world, part, number);
}

function typed(world: World, error: unknown, what: string): void {
  world.check(error instanceof MillraceError, `${what} with what is no error of ours: ${String(error)}`);
}

function lives({ node, generation }: Pick<Part, 'node' | 'generation'>): boolean {
  return node.isUp && node.generation === generation;
}
