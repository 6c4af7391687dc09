import { expect } from 'chai';
import { type ActorRef, behavior } from '#src/actors/kernel/index.js';
import {
  type ActorContext,
  type ActorContextWithMailbox,
  type ActorFunc,
  type ActorName,
  type ActorProps,
  type ActorSystem,
  type ActorSystemName,
  type ActorSystemRef,
  configurePersistence,
  dispatch,
  type InferMsgFromFunc,
  type InferMsgFromPersistentFunc,
  type InferMsgFromStatelessFunc,
  type InferResponseFromMsgFactory,
  type InferStateFromFunc,
  type InferStateFromPersistentFunc,
  type Json,
  type Logger,
  messages,
  type NumberOfMessages,
  type Parent,
  type PersistenceEngine,
  type PersistentActorFunc,
  type PersistentActorProps,
  type Plugin,
  query,
  type QueryMsgFactory,
  type Ref,
  seconds,
  spawn,
  spawnPersistent,
  spawnStateless,
  type StatelessActorFunc,
  stop,
  type SupervisionActorFunc,
  type SupervisionContext,
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

type Add = { readonly amount: number };

/** Never called, as `promises`: what a program of nact says with the types of nact, changed in its import only. */
export function portedProgram(system: ActorSystemRef, engine: PersistenceEngine): void {
  const name: ActorName = 'total';
  const every: NumberOfMessages = 5;
  const add: ActorFunc<number, Add, ActorSystemRef> = (total, { amount }, ctx: ActorContext<Add, ActorSystemRef>) => {
    const logger: Logger = ctx.log;
    logger.info(ctx.name);
    return total + amount;
  };
  const onCrash: SupervisionActorFunc<Add, ActorSystemRef, Ref<unknown>> = (
    _msg: Add | undefined,
    _err: Error | undefined,
    ctx: SupervisionContext<Add, ActorSystemRef>,
    child: Ref<unknown> | undefined,
  ) => (child === undefined ? ctx.reset : ctx.stopChild);
  const props: ActorProps<number, Add, ActorSystemRef> = { initialState: 0, onCrash, shutdownAfter: 5 * seconds };
  const total: Ref<InferMsgFromFunc<typeof add>> = spawn(system, add, name, props);
  const state: InferStateFromFunc<typeof add> = 0;
  const tell: StatelessActorFunc<string, Ref<Add>> = (msg, ctx: ActorContextOf<string>) => ctx.log.trace(msg);
  const said: Ref<InferMsgFromStatelessFunc<typeof tell>> = spawnStateless<string, Ref<Add>>(total, tell);
  const factory: QueryMsgFactory<Add, string> = (_sender: Ref<string>) => ({ amount: state });
  const reply: Promise<InferResponseFromMsgFactory<typeof factory>> = query(total, factory, 100);
  const plugin: Plugin = configurePersistence(engine);
  plugin(system);
  const keep: PersistentActorFunc<number, Add, ActorSystemRef> = async (kept, msg, ctx) => {
    await ctx.persist(msg);
    return kept + msg.amount;
  };
  const persistentProps: PersistentActorProps<number, Add, ActorSystemRef> = {
    snapshotEvery: every * messages,
    snapshotEncoder: (kept: number): Json => kept,
  };
  const kept: Ref<InferMsgFromPersistentFunc<typeof keep>> = spawnPersistent(
    system,
    keep,
    'key',
    name,
    persistentProps,
  );
  const keptState: InferStateFromPersistentFunc<typeof keep> = 1;
  const waits = (ctx: ActorContextWithMailbox<Add, ActorSystemRef>): number => ctx.mailbox.length;
  const systemName: ActorSystemName = name;
  const plain: ActorSystem = system;
  stop(plain);
  return void [said, reply, kept, keptState, waits, systemName];
}

type ActorContextOf<Msg> = ActorContext<Msg, Ref<Add>>;

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
