import { expect } from 'chai';
import {
  type ActorRef,
  type ActorSystem,
  type Behavior,
  behavior,
  type Context,
  deferred,
  later,
  type Stream,
  type UntypedRef,
} from '#src/actors/kernel/index.js';
import type { AnyService } from '#src/protocol/index.js';
import { testBehavior } from '#src/testing/index.js';
import { Counting, type Pinging, Pricing, type Worker } from './shop.js';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles only for the type given. */
function isExactly<Expected>(): <Actual>(_value: Actual, _same: Equal<Expected, Actual>) => void {
  return () => {};
}

// What follows is held by the compiler: a `@ts-expect-error` without an error is one.
export function promises(ref: ActorRef<typeof Pricing>): void {
  // The state, requests and replies of the README's example need no annotation.
  const pricing = behavior(Pricing, {
    state: () => new Map<string, number>(),
    observe: (book, { symbol, price }) => void book.set(symbol, price),
    quote: (book, { symbol }, ctx) => {
      isExactly<Map<string, number>>()(book, true);
      isExactly<string>()(symbol, true);
      ctx.become(new Map([['ACME', 1]]));
      // @ts-expect-error: the state is a Map
      ctx.become(7);
      return { price: book.get(symbol) ?? 0 };
    },
    on: {
      started: (book) => isExactly<Map<string, number>>()(book, true),
      stopping: async (book) => isExactly<Map<string, number>>()(book, true),
    },
  });
  isExactly<typeof Pricing>()(pricing.service, true);

  // The actor knows its own service.
  behavior(Pricing, {
    state: (ctx) => {
      isExactly<ActorRef<typeof Pricing>>()(ctx.self, true);
      return [ctx.self];
    },
    observe: ([self], trade, ctx) => {
      isExactly<ActorRef<typeof Pricing> | undefined>()(self, true);
      ctx.self.observe(trade);
      // @ts-expect-error: no such rpc
      void ctx.self.watch;
    },
    quote: () => deferred<{ price: number }>(),
    on: { started: (_state, ctx) => void ctx.self.observe({ symbol: 'ACME', price: 1 }) },
  });

  // Only a message without fields may be left out.
  const pinging: ActorRef<typeof Pinging> | undefined = undefined;
  void (pinging as ActorRef<typeof Pinging> | undefined)?.ping();
  void (pinging as ActorRef<typeof Pinging> | undefined)?.ping({}, { timeoutMs: 5 });
  // @ts-expect-error: options are the second argument
  void (pinging as ActorRef<typeof Pinging> | undefined)?.ping({ timeoutMs: 5 });
  // @ts-expect-error: what is its symbol?
  void ref.quote();

  // A state made from the context is inferred, too.
  behavior(Pricing, {
    state: (ctx) => ({ path: ctx.path }),
    observe: (state) => isExactly<{ path: string }>()(state, true),
    quote: async (state) => ({ price: state.path.length }),
  });

  // Also where no handler looks at it.
  behavior(Pricing, { state: (ctx) => ctx.path.length, observe: () => {}, quote: () => ({}) });

  // Without `state`, the state is undefined.
  behavior(Pricing, {
    observe: (state) => isExactly<undefined>()(state, true),
    quote: () => ({}),
  });

  // @ts-expect-error: no handler for quote
  behavior(Pricing, { observe: () => {} });

  behavior(Pricing, {
    observe: () => {},
    quote: () => ({}),
    // @ts-expect-error: misspelt
    qoute: () => ({}),
  });

  behavior(Pricing, {
    observe: () => {},
    // @ts-expect-error: a reply has no such field
    quote: () => ({ prise: 1 }),
  });

  behavior(Pricing, {
    observe: () => {},
    // @ts-expect-error: price is a number
    quote: () => ({ price: '1' }),
  });

  behavior(Pricing, {
    // @ts-expect-error: a trade has no such field
    observe: (_state, { volume }) => void volume,
    quote: () => ({}),
  });

  behavior(Pricing, {
    observe: () => {},
    quote: () => ({}),
    // @ts-expect-error: no such directive
    supervision: 'panic',
  });

  isExactly<boolean>()(ref.observe({ symbol: 'ACME', price: 1 }), true);
  isExactly<boolean>()(ref.observe({}), true);
  isExactly<Promise<{ price: number; currency: string }>>()(ref.quote({ symbol: 'ACME' }, { timeoutMs: 1 }), true);

  // @ts-expect-error: unknown method
  void ref.observes;
  // @ts-expect-error: unknown field
  ref.observe({ symbl: 'ACME' });
  // @ts-expect-error: wrong field type
  ref.observe({ price: '1' });
  // @ts-expect-error: a tell has no timeout
  ref.observe({}, { timeoutMs: 1 });
  // @ts-expect-error: a tell has no reply to wait for
  void ref.observe({}).then;
  // @ts-expect-error: a reference of one service is not one of another
  const other: ActorRef<typeof Worker> = ref;
  void other;
}

export async function spawnArgs(system: ActorSystem, ctx: Context): Promise<void> {
  const rest = { observe: () => {} };
  interface Limits {
    readonly limit: number;
  }

  // The args have the type that `state` gives them; the state is inferred from what it returns.
  const account = behavior(Pricing, {
    ...rest,
    state: (self, { limit }: Limits) => {
      isExactly<ActorRef<typeof Pricing>>()(self.self, true);
      return new Map([['limit', limit]]);
    },
    quote: (state, _request, self) => {
      isExactly<Map<string, number>>()(state, true);
      self.become(new Map());
      return {};
    },
    on: { started: (state) => isExactly<Map<string, number>>()(state, true) },
  });
  const quiet = behavior(Pricing, { ...rest, state: (_ctx, args: Limits) => args.limit, quote: () => ({}) });
  const withMethod = behavior(Pricing, {
    ...rest,
    state(_ctx, args: { readonly parent: UntypedRef }) {
      return [args.parent];
    },
    quote: ([parent]) => {
      isExactly<UntypedRef | undefined>()(parent, true);
      return {};
    },
  });

  // A behavior whose state takes args is spawned with them.
  isExactly<ActorRef<typeof Pricing>>()(system.spawn(account, { args: { limit: 1 }, name: 'acme' }), true);
  system.spawn(quiet, { args: { limit: 1 } });
  ctx.spawn(withMethod, { args: { parent: ctx.self } });
  isExactly<number>()((await testBehavior(quiet, { args: { limit: 1 }, seed: 3 })).state, true);
  // @ts-expect-error: args are missing
  system.spawn(account);
  // @ts-expect-error: args are missing
  ctx.spawn(account, { name: 'acme' });
  // @ts-expect-error: args are missing
  await testBehavior(account);
  // @ts-expect-error: limit is a number
  system.spawn(account, { args: { limit: 'high' } });
  // @ts-expect-error: the args have no such field
  system.spawn(account, { args: { limit: 1, limits: 2 } });

  // Any other is spawned without.
  const plain = behavior(Pricing, { ...rest, state: (self) => self.path, quote: () => ({}) });
  const stateless = behavior(Pricing, { ...rest, quote: () => ({}) });
  system.spawn(plain);
  ctx.spawn(stateless, { name: 'acme' });
  // @ts-expect-error: it takes no args
  system.spawn(plain, { args: { limit: 1 } });
  // @ts-expect-error: it takes no args
  ctx.spawn(stateless, { args: 1 });

  // Args that may be undefined are given all the same.
  const optional = behavior(Pricing, { ...rest, state: (_ctx, args?: Limits) => args?.limit, quote: () => ({}) });
  system.spawn(optional, { args: undefined });
  system.spawn(optional, { args: { limit: 1 } });

  // A function that passes behaviors on.
  const start = <S extends AnyService, T, Args>(made: Behavior<S, T, Args>, args: Args): ActorRef<S> =>
    system.spawn<S, T, unknown>(made, { args });
  start(quiet, { limit: 1 });
  const startPlain = <S extends AnyService, T>(made: Behavior<S, T>): ActorRef<S> => system.spawn(made, { name: 'x' });
  startPlain(plain);
  // @ts-expect-error: it would get no args
  startPlain(account);
}

export async function streams(ref: ActorRef<typeof Counting>): Promise<void> {
  const idle = { push: () => {}, work: () => ({}) };
  behavior(Counting, {
    ...idle,
    state: () => ({ step: 2 }),
    count: async function* (state, { value }, ctx) {
      isExactly<{ step: number }>()(state, true);
      isExactly<number>()(value, true);
      isExactly<{ readonly [key: string]: string } | undefined>()(ctx.meta, true);
      yield { value: state.step };
      yield {};
      yield later(Promise.resolve({ value }));
    },
  });

  // Any AsyncIterable will do.
  behavior(Counting, { ...idle, count: (): AsyncIterable<{ value?: number }> => ref.count({}) });

  async function* misspelt() {
    yield { valu: 1 };
  }
  async function* text() {
    yield { value: '1' };
  }
  async function* laterText() {
    yield later(Promise.resolve({ value: '1' }));
  }
  // @ts-expect-error: an element has no such field
  behavior(Counting, { ...idle, count: misspelt });
  // @ts-expect-error: value is a number
  behavior(Counting, { ...idle, count: text });
  // @ts-expect-error: what comes later is a number, too
  behavior(Counting, { ...idle, count: laterText });

  // @ts-expect-error: a stream is no reply
  behavior(Counting, { ...idle, count: () => ({ value: 1 }) });

  // @ts-expect-error: a stream is no list
  behavior(Counting, { ...idle, count: () => [{ value: 1 }] });

  isExactly<Stream<{ value: number }>>()(ref.count({ value: 1 }, { timeoutMs: 1, windowItems: 4 }), true);
  for await (const element of ref.count({})) isExactly<{ value: number }>()(element, true);
  const { done, value } = await ref.count({}).next();
  isExactly<{ value: number } | undefined>()(value, true);
  isExactly<boolean | undefined>()(done, true);

  // @ts-expect-error: an element has no such field
  for await (const { price } of ref.count({})) void price;
  // @ts-expect-error: unknown field
  ref.count({ valu: 1 });
  // @ts-expect-error: an ask has no window
  await ref.work({}, { windowItems: 4 });
  // @ts-expect-error: a stream is no promise
  void ref.count({}).then;
}

describe('the types', () => {
  it('are held by the compiler', () => {
    expect(promises).to.be.a('function');
    expect(spawnArgs).to.be.a('function');
    expect(streams).to.be.a('function');
  });
});
