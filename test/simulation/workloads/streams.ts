import {
  type ActorRef,
  AskAbortedError,
  type Behavior,
  behavior,
  HandlerError,
  later,
  MillraceError,
  StoppedError,
  type Stream,
} from '#src/index.js';
import { workload, type World } from '#src/simulation/index.js';
import type { Errand } from '../services/errands.js';
import { Rivers } from '../services/rivers.js';
import { Flow } from '../flow-kinds.js';
import { type Handling, sourceOf, Spilt, taken } from './streamed-requests.js';

const FLOWS = Object.values(Flow);

/**
 * Streams between nodes, of replies and of requests: slow readers, readers that leave, actors that fail while they serve or read, sources
 * that fail, links that are cut.
 */
export default workload('streams', {
  sizes: { nodes: [1, 4], streams: [1, 12], items: [0, 60] },
  faults: { loss: 0.1, duplicate: 0.1, reorder: 0.1, crashes: 2, cuts: 2 },
  faultMs: 1_500,
  // Small frames, so that streams share the way with others of their kind.
  runtime: () => ({ kernelLimits: { stopTimeoutMs: 500 }, linkLimits: { frameBytes: 256 } }),
  async run(world) {
    world.everyStart((node) => {
      // Whoever reads in a handler serves nobody meanwhile: two that read from one another would wait for ever.
      for (const kind of ['river', 'drinker'])
        node.spawn(river(world), { name: `${kind}-${node.name}`, register: true });
    });
    const work: Promise<void>[] = [];
    for (let index = 0; index < world.size('streams'); index++) {
      work.push(world.pick([readOne, readOne, sendOne, sendOne, haveOneRead])(world));
      if (world.random() < 0.5) await world.pass(world.below(200));
    }
    await Promise.all(work);
    await world.until('all faults to be healed', () => world.isHealed || isQuiet(world));
    await world.until('every node to be up', () => world.nodes.every((node) => node.isUp));
    await everyRiverFlows(world);
  },
});

/** No frame is lost and no process ends: a stream fails only with the actor that serves it. */
function isQuiet({ plan: { faults, network } }: World): boolean {
  return faults.length === 0 && network.loss === 0 && network.reorder === 0 && network.duplicate === 0;
}

function river(world: World): Behavior<typeof Rivers, Handling> {
  return behavior(Rivers, {
    state: () => ({ isAlone: true }),
    supervision: { maxRestarts: 100 },
    async *flow(_state, { number, depth }) {
      for (let element = 0; element < number; element++) {
        if (depth === Flow.slow) await world.pass(world.below(10));
        if (depth === Flow.failing && element === number >> 1) throw new Error('dried up');
        if (depth === Flow.later) yield later(world.pass(world.below(30)).then(() => ({ number: element })));
        else yield { number: element };
      }
    },
    drink: async (_state, { number, depth, peer }, context) => {
      if (peer === undefined) return;
      const flow = context
        .ref(Rivers, peer)
        .flow({ number, depth }, { timeoutMs: 1_000, windowItems: 1 + (number % 8) });
      try {
        for await (const { number: element } of flow) {
          if (element % 7 === 6) await world.pass(world.below(20));
        }
      } catch (error) {
        if (!(error instanceof MillraceError)) throw error;
      }
    },
    merge: async (state, requests) => {
      let count = 0;
      for await (const _request of taken(world, requests, state)) count++;
      return { number: count };
    },
    mill: (state, requests) => taken(world, requests, state),
    pour: async (_state, { number, depth, peer }, context) => {
      if (peer === undefined) return;
      const source = sourceOf(world, { number, depth, failsAt: number % 9 === 8 ? number >> 1 : undefined });
      try {
        await context.ref(Rivers, peer).merge(source, { timeoutMs: 2_000 });
      } catch (error) {
        if (!(error instanceof MillraceError || error instanceof Spilt)) throw error;
      }
    },
    stumble: () => {
      throw new Error('stumbled');
    },
  });
}

async function find(world: World, kind: 'river' | 'drinker'): Promise<ActorRef<typeof Rivers> | undefined> {
  const [from, to] = [world.pick(world.nodes), world.pick(world.nodes)];
  return from.isUp ? from.lookup(Rivers, `${kind}-${to.name}`, { timeoutMs: 2_000 }).catch(() => undefined) : undefined;
}

/** The workload itself reads, sometimes slowly, sometimes not to the end. */
async function readOne(world: World): Promise<void> {
  const depth = world.pick(FLOWS);
  const number = world.below(world.size('items') + 1);
  const options = { windowItems: 1 + world.below(20), timeoutMs: 1_000 };
  const [slowMs, most] = [
    world.below(3) * world.below(30),
    world.random() < 0.3 ? world.below(10) : Number.POSITIVE_INFINITY,
  ];
  const ref = await find(world, 'river');
  if (ref === undefined) return;
  const { read, error } = await readUpTo(world, ref.flow({ number, depth }, options), most, slowMs);
  world.check(error === undefined || error instanceof MillraceError, 'a stream failed with what is no error of ours');
  if (error === undefined) {
    const expected = Math.min(number, most);
    world.check(read === expected, `${read} elements of ${expected} were read of a stream that ended well`);
  } else {
    world.check(
      !isQuiet(world) || error instanceof HandlerError || error instanceof StoppedError,
      `a stream failed, though nothing was wrong: ${error instanceof Error ? error.message : 'without an error'}`,
    );
  }
  world.check(
    depth !== Flow.failing || most <= number >> 1 || error !== undefined || number === 0,
    'a stream that fails has ended well',
  );
}

async function readUpTo(
  world: World,
  flow: Stream<Errand>,
  most: number,
  slowMs: number,
): Promise<{ readonly read: number; readonly error: unknown }> {
  let read = 0;
  try {
    if (most === 0) {
      await flow.return();
      return { read, error: undefined };
    }
    for await (const { number } of flow) {
      world.check(number === read, `element ${read} of a stream is ${number}`);
      read++;
      if (read >= most) break;
      if (slowMs > 0) await world.pass(slowMs);
    }
    return { read, error: undefined };
  } catch (error) {
    return { read, error };
  }
}

/** An actor reads from another or sends to it, and may fail meanwhile. */
async function haveOneRead(world: World): Promise<void> {
  const [reader, server] = [await find(world, 'drinker'), await find(world, 'river')];
  if (reader === undefined || server === undefined) return;
  const call = world.random() < 0.5 ? 'drink' : 'pour';
  reader[call]({ number: world.below(world.size('items') + 1), depth: world.pick(FLOWS), peer: server.toRef() });
  if (world.random() < 0.4) reader.stumble({});
  await world.pass(world.below(100));
  if (world.random() < 0.4) server.stumble({});
}

/** The workload itself sends requests, sometimes slowly, sometimes not to the end. */
async function sendOne(world: World): Promise<void> {
  const depth = world.pick(FLOWS);
  const number = world.below(world.size('items') + 1);
  const failsAt = world.random() < 0.2 ? world.below(number + 1) : undefined;
  const isTalk = world.random() < 0.5;
  const most = world.random() < 0.3 ? world.below(10) : Number.POSITIVE_INFINITY;
  const abort = world.random() < 0.2 ? new AbortController() : undefined;
  const options = { timeoutMs: 2_000, signal: abort?.signal };
  const ref = await find(world, 'river');
  if (ref === undefined) return;
  const source = sourceOf(world, { number, depth, failsAt });
  if (abort !== undefined) void world.pass(world.below(100)).then(() => abort.abort());
  const { read, error } = await (isTalk
    ? readUpTo(world, ref.mill(source, { ...options, windowItems: 1 + world.below(20) }), most, 0)
    : ref.merge(source, options).then(
        (reply) => ({ read: reply.number, error: undefined }),
        (cause: unknown) => ({ read: 0, error: cause }),
      ));
  if (error === undefined) {
    // A handler leaves at the half of a `later` flow.
    const ended = depth === Flow.later ? number >> 1 : number;
    const expected = isTalk ? Math.min(ended, most) : ended;
    world.check(read === expected, `${read} requests of ${expected} were read in a call that ended well`);
    const isLeft = isTalk && most <= number >> 1;
    world.check(depth !== Flow.failing || number === 0 || isLeft, 'a call whose handler fails has ended well');
    return;
  }
  const isKnown = error instanceof MillraceError || error instanceof Spilt;
  world.check(isKnown, 'a call failed with what is no error of ours, nor of its source');
  world.check(
    !isQuiet(world) ||
      error instanceof Spilt ||
      error instanceof HandlerError ||
      error instanceof StoppedError ||
      (error instanceof AskAbortedError && abort !== undefined),
    `a call failed, though nothing was wrong: ${error instanceof Error ? error.message : 'without an error'}`,
  );
  world.check(!(error instanceof Spilt) || failsAt !== undefined, 'a source failed that does not');
}

/** When no fault is left, streams of every actor reach every node. */
async function everyRiverFlows(world: World): Promise<void> {
  for (const from of world.nodes) {
    for (const to of world.nodes) {
      for (let tries = 0; ; tries++) {
        const ref = await from.lookup(Rivers, `river-${to.name}`, { timeoutMs: 5_000 }).catch(() => undefined);
        const flow = ref?.flow({ number: 20 }, { timeoutMs: 2_000 });
        const { read, error } = flow === undefined ? { read: 0, error: undefined } : await readUpTo(world, flow, 99, 0);
        if (read === 20) break;
        if (tries === 20) {
          world.check(
            false,
            `no stream of ${to.name} reaches ${from.name}, though all is healed: ${error instanceof Error ? error.message : 'without an error'}`,
          );
          return;
        }
        await world.pass(500);
      }
    }
  }
}
