import { expect } from 'chai';
import { type ActorRef, behavior } from '#src/actors/kernel/index.js';
import { Pricing, type Worker } from './shop.js';

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

describe('the types', () => {
  it('are held by the compiler', () => {
    expect(promises).to.be.a('function');
  });
});
