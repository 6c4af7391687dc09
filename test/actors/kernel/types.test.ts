import { expect } from 'chai';
import { type ActorRef, behavior, deferred, later, type Stream } from '#src/actors/kernel/index.js';
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
  // @ts-expect-error: what is its symbol?
  void ref.quote();

  // A state made from the context is inferred, too.
  behavior(Pricing, {
    state: (ctx) => ({ path: ctx.path }),
    observe: (state) => isExactly<{ path: string }>()(state, true),
    quote: async (state) => ({ price: state.path.length }),
  });

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
    expect(streams).to.be.a('function');
  });
});
