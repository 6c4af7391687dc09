import type { ActorRef, Behavior, Runtime } from 'millrace';
import type { Route } from '#src/actors/kernel/index.js';
import type { Bench } from '../gen/bench.js';

export type BenchRef = ActorRef<typeof Bench>;
export type BenchBehavior = Behavior<typeof Bench, undefined>;

/** Handlers of the actors of one question. They ignore other messages. */
export interface Handlers {
  readonly note?: (value: number) => void;
  readonly pass?: (hops: number) => void;
}

/** A runtime as embedded in a service, and a behavior of the benchmark protocol. */
export async function startMillrace(): Promise<{
  readonly runtime: Runtime;
  readonly actorThat: (handlers: Handlers) => BenchBehavior;
}> {
  const { Runtime, behavior } = await import('millrace');
  const { Bench } = await import('../gen/bench.js');
  const runtime = await Runtime.start({ logLevel: 'silent' });
  const actorThat = ({ note, pass }: Handlers): BenchBehavior =>
    behavior(Bench, {
      note: (_, { value }) => note?.(value),
      pass: (_, { hops }) => pass?.(hops),
      echo: (_, { value }) => ({ value }),
    });
  return { runtime, actorThat };
}

/** The route of a reference, and its methods: the cost of a message after defaults are filled in. */
export async function rawOf(ref: BenchRef): Promise<{ route: Route; methods: (typeof Bench)['methods'] }> {
  const kernel = await import('#src/actors/kernel/index.js');
  return { route: ref[kernel.routeKey], methods: (await import('../gen/bench.js')).Bench.methods };
}
