import { expect } from 'chai';
import { type ActorRef, behavior } from '#src/actors/kernel/index.js';
import {
  type ActorContext,
  dispatch,
  type Parent,
  query,
  type Ref,
  spawn,
  spawnStateless,
} from '#src/actors/nact/index.js';
import { closeSystems, testSystem } from '../kernel/harness.js';
import { Pricing } from '../kernel/shop.js';
import { until } from '../../support/until.js';

type Order =
  | { readonly kind: 'order'; readonly count: number }
  | { readonly kind: 'total'; readonly sender: Ref<number> };

/** Never called: what follows is held by the compiler, for which a `@ts-expect-error` without an error is one. */
export function promises(parent: Parent, pricing: ActorRef<typeof Pricing>): void {
  // State and messages are those of the function.
  const shop = spawn(
    parent,
    (total: number, msg: Order, ctx) => {
      const self: Ref<Order> = ctx.self;
      dispatch(self, { kind: 'order', count: 1 });
      // @ts-expect-error: the parent takes no message that is known
      dispatch(ctx.parent, 7);
      return msg.kind === 'order' ? total + msg.count : total;
    },
    'shop',
    { initialState: 0, afterStop: (total) => void total.toFixed() },
  );
  dispatch(shop, { kind: 'order', count: 2 });
  // @ts-expect-error: no such message
  dispatch(shop, { kind: 'odrer', count: 2 });
  // @ts-expect-error: a field is of another type
  dispatch(shop, { kind: 'order', count: '2' });
  // @ts-expect-error: the state is a number
  spawn(parent, (total: number, _msg: Order) => total, 'shop', { initialState: 'none' });
  // @ts-expect-error: the next state is of another type
  spawn(parent, (total: number, _msg: Order): number => String(total));

  // The reply is what the factory's reference takes.
  const total: Promise<number> = query(shop, (sender: Ref<number>) => ({ kind: 'total', sender }), 100);
  // @ts-expect-error: a number
  const text: Promise<string> = query(shop, (sender: Ref<number>) => ({ kind: 'total', sender }), 100);
  // @ts-expect-error: no such message
  void query(shop, (sender: Ref<number>) => ({ kind: 'sum', sender }), 100);

  // A reference that takes more fits where less is sent, and not the other way round.
  const wide: Ref<Order> = spawnStateless(parent, (_msg: unknown) => {});
  // @ts-expect-error: an Order is not everything
  const narrow: Ref<unknown> = shop;

  // Functions may be declared apart.
  const shout = (msg: string, ctx: ActorContext<string, Parent>): void => ctx.log.info(msg);
  dispatch(spawnStateless(parent, shout), 'hey');

  // Typed actors take { method: request }.
  dispatch(pricing, { observe: { symbol: 'ACME', price: 1 } });
  void query(pricing, { quote: { symbol: 'ACME' } }, 100);
  void query(pricing, () => ({ quote: { symbol: 'ACME' } }), 100);
  // @ts-expect-error: no such method
  dispatch(pricing, { obsreve: { symbol: 'ACME', price: 1 } });
  // @ts-expect-error: a field is of another type
  dispatch(pricing, { observe: { symbol: 7 } });
  return void [total, text, wide, narrow];
}

describe('dispatch and query of millrace/nact', () => {
  afterEach(closeSystems);

  it('call the methods of typed actors, and hand a reply to the sender', async () => {
    const { system } = testSystem();
    const pricing = system.spawn(
      behavior(Pricing, {
        state: () => new Map<string, number>(),
        observe: (book, { symbol, price }) => void book.set(symbol, price),
        quote: (book, { symbol }) => ({ price: book.get(symbol) ?? 0 }),
      }),
    );
    const seen: unknown[] = [];
    const collector = spawnStateless(system, (msg: unknown) => void seen.push(msg));
    dispatch(pricing, { observe: { symbol: 'ACME', price: 3 } });
    expect(await query(pricing, () => ({ quote: { symbol: 'ACME' } }), 100)).to.deep.equal({
      price: 3,
      currency: 'EUR',
    });
    dispatch(pricing, { quote: { symbol: 'ACME' } }, collector);
    await until(() => seen.length === 1);
    expect(seen).to.deep.equal([{ price: 3, currency: 'EUR' }]);
  });
});
