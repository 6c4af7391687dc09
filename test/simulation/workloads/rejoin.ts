import { type ActorRef, BackpressureError, behavior, type GroupRef, MillraceError } from '#src/index.js';
import { type SimulatedNode, workload, type World } from '#src/simulation/index.js';
import { Parcels } from '../services/parcels.js';

type Post = ActorRef<typeof Parcels>;

const GROUP = 'posts';
const EMPTY = new Uint8Array(0);

/**
 * The control plane crashes, is cut off and comes back, under load. The processes that lose it go on with the messages among them, and rejoin
 * with their ids, names and groups. None is lost, and none ends up without its names.
 */
export default workload('rejoin', {
  sizes: { nodes: [2, 5], senders: [1, 4], parcels: [1, 60], spanMs: [100, 6_000], deadMs: [200, 2_000], late: [0, 2] },
  faults: { crashes: 4, cuts: 4, oneWayCuts: 4, controlPlane: true },
  faultMs: 8_000,
  // The ends of a link give it up at different times: for a time, one of them has two links to the other.
  runtime: ({ deadMs = 1_000 }, node) => ({
    kernelLimits: { stopTimeoutMs: 500 },
    linkDeadMs: node === 'node-0' ? deadMs : 2_200 - deadMs,
  }),
  async run(world) {
    const ids = new Set<string>();
    const groups = new Map<SimulatedNode, Promise<GroupRef<typeof Parcels> | undefined>>();
    world.everyStart((node) => {
      post(world, node);
      groups.set(node, useGroup(world, node));
      checkIds(world, node, ids);
    });
    const work = Array.from({ length: world.size('senders') }, (_, index) => sendAll(world, index));
    const guests = Array.from({ length: world.size('late') }, (_, index) => visitGroup(world, index));
    const late = Array.from({ length: world.size('late') }, (_, index) => registerLate(world, index));
    await Promise.all([...work, ...late, ...guests]);
    await world.until('all faults to be healed', () => world.isHealed || world.plan.faults.length === 0);
    await world.until('every node to be up', () => world.nodes.every(({ isUp }) => isUp));
    await world.until('every node to have rejoined', () =>
      world.nodes.every(({ runtime }) => runtime?.isConnected === true),
    );
    // The control plane learns of what has ended in this time, and refuses no name of it any more.
    await world.pass(4_000);
    for (const node of world.nodes) {
      checkGeneration(world, node);
      await checkNames(world, node);
    }
    await checkGroups(world, groups);
  },
});

/** The actor of a node: it has a name of its own, and is a member of the group. Its answers say which node it belongs to. */
function post(world: World, node: SimulatedNode): void {
  const { runtime } = node;
  const definition = answering(numberOf(node));
  node.spawn(definition, { name: `post-${node.name}`, register: true });
  const member = node.spawn(definition, { name: `member-${node.name}` });
  runtime?.register(GROUP, member, { group: true }).catch((error: unknown) => checkOurs(world, error));
}

function answering(number: number) {
  return behavior(Parcels, {
    put: () => {},
    nudge: () => {},
    weigh: () => ({ number }),
    relay: (_state, parcel) => parcel,
    end: () => {},
  });
}

/** Unique for a node and its start. */
function numberOf({ name, generation }: SimulatedNode): number {
  return 1_000 * Number(name.slice(-1)) + generation;
}

function checkIds(world: World, { runtime, name }: SimulatedNode, ids: Set<string>): void {
  if (runtime === undefined) return;
  for (const id of [`p_uid ${runtime.pUid}`, ...runtime.ordinals.map((ordinal) => `ordinal ${ordinal}`)]) {
    world.check(!ids.has(id), `${name} has ${id}, which another process has had`);
    ids.add(id);
  }
}

/** Sends to the posts of others by references that are kept, while the control plane comes and goes. */
async function sendAll(world: World, index: number): Promise<void> {
  await world.pass(world.below(500));
  const [from, to] = [world.pick(world.nodes), world.pick(world.nodes)];
  if (!from.isUp || !to.isUp) return;
  const life = from.generation;
  const ref = await from.lookup(Parcels, `post-${to.name}`, { timeoutMs: 3_000 }).catch(() => undefined);
  if (ref === undefined) return;
  const pauseMs = (2 * world.size('spanMs')) / world.size('parcels');
  for (let number = 0; number < world.size('parcels'); number++) {
    if (!from.isUp || from.generation !== life) return;
    send(world, ref, index * 1_000_000 + number);
    if (world.random() < 0.5) await world.pass(world.random() * pauseMs);
  }
}

function send(world: World, ref: Post, number: number): void {
  const parcel = { number, data: EMPTY };
  if (world.random() < 0.3) {
    ref.weigh(parcel, { timeoutMs: 1 + world.below(1_000) }).catch((error: unknown) => checkOurs(world, error));
    return;
  }
  try {
    ref.put(parcel);
  } catch (error) {
    world.check(error instanceof BackpressureError, `a tell failed with ${String(error)}`);
  }
}

/** A name that is asked for while the control plane may be gone: it is registered in the end, or refused in time. */
async function registerLate(world: World, index: number): Promise<void> {
  await world.pass(world.below(6_000));
  const node = world.pick(world.nodes);
  if (!node.isUp) return;
  const [life, name] = [node.generation, `late-${index}`];
  const ref = node.spawn(answering(index), { name });
  const error = await node.runtime?.register(name, ref).catch((refused: unknown) => refused);
  if (error === undefined || node.generation !== life) return;
  checkOurs(world, error);
}

function checkGeneration(world: World, { name, generation }: SimulatedNode): void {
  const crashes = world.plan.faults.filter((fault) => fault.fault === 'crash' && fault.node === name).length;
  world.check(generation <= 1 + crashes, `${name} was started ${generation} times, and crashed ${crashes} times`);
}

/** From every node the name leads to the actor of the present life. */
async function checkNames(world: World, node: SimulatedNode): Promise<void> {
  const problems = node.runtime?.health().problems ?? [];
  world.check(problems.length === 0, `${node.name} has problems: ${problems.join(' ')}`);
  for (const from of world.nodes) {
    const asked = from.lookup(Parcels, `post-${node.name}`, { timeoutMs: 3_000 });
    const answer = await asked.then((ref) => ref.weigh({ number: 1, data: EMPTY }, { timeoutMs: 3_000 })).catch(String);
    const number = typeof answer === 'string' ? answer : answer.number;
    world.check(number === numberOf(node), `the name of ${node.name} leads ${from.name} to ${number}`);
  }
}

/**
 * For every node the group has one member of each node, and no guest. The one that it uses since its start has no other, either: members behind
 * a cut between the two may have left it.
 */
async function checkGroups(
  world: World,
  groups: ReadonlyMap<SimulatedNode, Promise<GroupRef<typeof Parcels> | undefined>>,
) {
  const expected = world.nodes.map(numberOf).toSorted((left, right) => left - right);
  for (const [node, used] of groups) {
    const fresh = await node.runtime?.group(Parcels, GROUP);
    const numbers = fresh === undefined ? [] : await answersOf(fresh, world.nodes.length);
    const [got, wanted] = [numbers.join(), expected.join()];
    world.check(got === wanted, `the group of ${node.name} answers ${got}, not ${wanted}`);
    const kept = await used;
    const known = kept === undefined ? [] : await answersOf(kept, world.nodes.length);
    const strangers = known.filter((number) => typeof number === 'string' || !expected.includes(number));
    world.check(strangers.length === 0, `the group that ${node.name} uses since its start answers ${strangers.join()}`);
  }
}

/** A start may take place while the control plane is gone for long. */
async function useGroup(world: World, node: SimulatedNode): Promise<GroupRef<typeof Parcels> | undefined> {
  const life = node.generation;
  for (let attempt = 0; attempt < 10 && node.generation === life; attempt++) {
    const group = await node.runtime?.group(Parcels, GROUP).catch((error: unknown) => checkOurs(world, error));
    if (group !== undefined) return group;
    await world.pass(100);
  }
  return undefined;
}

/** An actor that joins the group, and leaves it while the control plane may be gone. */
async function visitGroup(world: World, index: number): Promise<void> {
  await world.pass(world.below(3_000));
  const node = world.pick(world.nodes);
  if (!node.isUp) return;
  const { runtime } = node;
  const ref = node.spawn(answering(index), { name: `guest-${index}` });
  await runtime?.register(GROUP, ref, { group: true }).catch((error: unknown) => checkOurs(world, error));
  await world.pass(world.below(3_000));
  await runtime?.unregister(GROUP, ref).catch((error: unknown) => checkOurs(world, error));
}

/** The members take turns. */
async function answersOf(group: GroupRef<typeof Parcels>, count: number): Promise<readonly (number | string)[]> {
  const numbers: (number | string)[] = [];
  for (let turn = 0; turn < count; turn++) {
    const answer = await group.weigh({ number: turn, data: EMPTY }, { timeoutMs: 3_000 }).catch(String);
    numbers.push(typeof answer === 'string' ? answer : answer.number);
  }
  return numbers.toSorted((left, right) => Number(left) - Number(right));
}

function checkOurs(world: World, error: unknown): void {
  world.check(error instanceof MillraceError, `a call failed with what is no error of ours: ${String(error)}`);
}
