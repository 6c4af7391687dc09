import {
  type ActorRef,
  type Behavior,
  behavior,
  type Context,
  later,
  MillraceError,
  type UntypedRef,
} from '#src/index.js';
import { type SimulatedNode, workload, type World } from '#src/simulation/index.js';
import { Errands } from '../services/errands.js';

type Actor = ActorRef<typeof Errands>;

/** Actors on several nodes that tell, ask and watch one another, fail, end, and start anew. */
export default workload('actors', {
  sizes: { nodes: [1, 4], actors: [2, 20], errands: [4, 60] },
  faults: { loss: 0.05, duplicate: 0.05, reorder: 0.05, crashes: 2, cuts: 2, controlPlane: true },
  faultMs: 3_000,
  // Small bounds, so that little work reaches them.
  runtime: () => ({ kernelLimits: { stopTimeoutMs: 500 }, linkLimits: { frameBytes: 512 } }),
  async run(world) {
    const names = Array.from({ length: world.size('actors') }, (_, index) => `actor-${index}`);
    world.everyStart((node) => {
      for (const [index, name] of names.entries()) {
        if (world.nodes[index % world.nodes.length] === node) node.spawn(errands(world), { name, register: true });
      }
    });
    const friends = await acquaint(world, names);
    const work: Promise<void>[] = [];
    for (let errand = 0; errand < world.size('errands'); errand++) {
      work.push(send(world, names));
      if (world.random() < 0.3) await world.pass(world.below(100));
    }
    await Promise.all(work);
    await world.until('all faults to be healed', () => world.isHealed);
    await everyoneAnswers(world, names);
    await friendsAnswer(world, friends);
  },
});

/** A reference that is kept for the whole run. */
interface Friend {
  readonly name: string;
  readonly actor: Actor;
  /** The nodes at both ends, and which of their lives it was. */
  readonly lives: readonly (readonly [SimulatedNode, number])[];
}

async function acquaint(world: World, names: readonly string[]): Promise<readonly Friend[]> {
  const friends: Friend[] = [];
  for (const [index, name] of names.entries()) {
    const [from, to] = [world.pick(world.nodes), world.nodes[index % world.nodes.length]];
    if (to === undefined || !from.isUp || !to.isUp) continue;
    const lives = [from, to].map((node) => [node, node.generation] as const);
    const actor = await from.lookup(Errands, name, { timeoutMs: 5_000 }).catch(() => undefined);
    // It opens a link, which may end meanwhile.
    actor?.push({ number: 1 });
    if (actor !== undefined) friends.push({ name, actor, lives });
  }
  return friends;
}

/** Links may have ended meanwhile; where both processes have lived on, a reference opens a new one. */
async function friendsAnswer(world: World, friends: readonly Friend[]): Promise<void> {
  for (const { name, actor, lives } of friends) {
    if (!lives.every(([node, generation]) => node.isUp && node.generation === generation)) continue;
    await actor.ready().catch(() => {});
    const answer = await actor.run({ number: 7 }, { timeoutMs: 5_000 }).catch((error: unknown) => error);
    if (lives.every(([node, generation]) => node.isUp && node.generation === generation)) {
      world.check(
        !(answer instanceof Error),
        `${name} does not answer by a reference that was taken before the faults: ${String(answer)}`,
      );
    }
  }
}

/** From some node, to some actor, about some other. Whatever goes wrong with it has to have one of our causes. */
async function send(world: World, names: readonly string[]): Promise<void> {
  const node = world.pick(world.nodes);
  const [name, about, number, kind] = [world.pick(names), world.pick(names), world.below(200), world.below(10)];
  const timeoutMs = 1 + world.below(400);
  try {
    const actor = await node.lookup(Errands, name, { timeoutMs: 2_000 });
    const peer = (await node.lookup(Errands, about, { timeoutMs: 2_000 })).toRef();
    await tellOrAsk(actor, kind, { number, depth: number % 4, peer }, timeoutMs);
  } catch (error) {
    world.check(error instanceof MillraceError, `an errand failed with what is no error of ours: ${String(error)}`);
  }
}

async function tellOrAsk(
  actor: Actor,
  kind: number,
  errand: { readonly number: number; readonly depth: number; readonly peer: ReturnType<Actor['toRef']> },
  timeoutMs: number,
): Promise<void> {
  switch (kind) {
    case 0:
      await actor.run(errand, { timeoutMs });
      return;
    case 1:
      await actor.rush(errand, { timeoutMs });
      return;
    case 2:
      await actor.ponder(errand, { timeoutMs });
      return;
    case 3:
      await actor.promise(errand, { timeoutMs });
      return;
    case 4:
      actor.stumble(errand);
      return;
    case 5:
      actor.raise(errand);
      return;
    case 6:
      if (errand.depth === 0) actor.leave(errand);
      else actor.guard(errand);
      return;
    case 7: {
      // As many as it takes, and a bit more.
      for (let count = 0; count < errand.number; count++) {
        if (!actor.push(errand)) await actor.ready();
      }
      return;
    }
    default:
      actor.bother({ ...errand, number: 1 + (errand.number % 8) });
  }
}

/** When no fault is left, every name leads to an actor that answers. */
async function everyoneAnswers(world: World, names: readonly string[]): Promise<void> {
  await world.until('every node to be up', () => world.nodes.every((node) => node.isUp));
  for (const [index, name] of names.entries()) {
    const node = world.nodes[(index + 1) % world.nodes.length] ?? world.pick(world.nodes);
    for (let tries = 0; ; tries++) {
      try {
        const actor = await node.lookup(Errands, name, { timeoutMs: 5_000 });
        const { number } = await actor.run({ number: index }, { timeoutMs: 2_000 });
        world.check(number === 2 * index, `${name} answered ${number} to ${index}`);
        break;
      } catch (error) {
        // A node that the control plane has given up comes back under another address: its names follow.
        if (tries === 20) {
          world.check(false, `${name} does not answer ${node.name}, though all is healed: ${String(error)}`);
          break;
        }
        await world.pass(500);
      }
    }
  }
}

interface State {
  sum: number;
  readonly guarded: Map<string, UntypedRef>;
}

function errands(world: World, depth = 0): Behavior<typeof Errands, State> {
  return behavior(Errands, {
    state: (): State => ({ sum: 0, guarded: new Map() }),
    supervision: { maxRestarts: 100 },
    mailbox: { capacity: 16 },
    push: (state, { number }) => void (state.sum += number),
    urge: (state, { number }) => void (state.sum += number),
    run: async (_state, { number, depth: left, peer }, context) => {
      if (left > 0 && peer !== undefined) {
        await context
          .ref(Errands, peer)
          .run({ number, depth: left - 1, peer: context.self.toRef() }, context.options());
      }
      return { number: number * 2 };
    },
    rush: (_state, { number }) => ({ number: number * 2 }),
    ponder: async (_state, { number }) => {
      await world.pass(number);
      return { number: number * 2 };
    },
    promise: (_state, { number }) => later(world.pass(number).then(() => ({ number: number * 2 }))),
    stumble: () => {
      throw new Error('stumbled');
    },
    guard: (state, { peer }, context) => {
      if (peer === undefined) return;
      const ref = state.guarded.get(String(peer.cUid)) ?? context.ref(Errands, peer);
      state.guarded.set(String(peer.cUid), ref);
      context.watch(ref);
    },
    leave: (state, { peer }, context) => {
      const ref = state.guarded.get(String(peer?.cUid));
      if (ref !== undefined) context.unwatch(ref);
    },
    raise: (_state, { number, peer }, context) => {
      if (depth > 1) return;
      const child = context.spawn(errands(world, depth + 1));
      context.watch(child);
      if (peer !== undefined) context.ref(Errands, peer).guard({ peer: child.toRef() });
      child.push({ number });
      context.after(number, () => void child.end({}));
    },
    end: (_state, _errand, context) => context.stop(),
    bother: (_state, { number, peer }, context) => {
      if (peer === undefined) return;
      const other = context.ref(Errands, peer);
      for (let time = 0; time < number; time++) bother(world, context, other, time);
    },
    on: {
      started: (_state, context) => void context.every(700, () => {}),
      terminated: () => {},
    },
  });
}

function bother(world: World, context: Context, other: Actor, time: number): void {
  const ignored = (): void => {};
  try {
    switch (world.below(6)) {
      case 0:
        other.run({ number: time }, { timeoutMs: 1 + world.below(300) }).then(ignored, ignored);
        break;
      case 1:
        other.rush({ number: time }).then(ignored, ignored);
        break;
      case 2:
        other.guard({ peer: context.self.toRef() });
        break;
      case 3:
        other.urge({ number: time });
        break;
      default:
        other.push({ number: time });
    }
  } catch (error) {
    // A mailbox or link that is full says so at once.
    if (!(error instanceof MillraceError)) throw error;
  }
}
