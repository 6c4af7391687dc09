import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { behavior, deferred, type DeferredReply } from '#src/actors/kernel/index.js';
import { RefusedError, Refusal } from '#src/errors.js';
import { Lane, type MessageType, type Method, Ref, type RefInit, type Service } from '#src/protocol/index.js';
import { rejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { closeSystems, testSystem, worker } from './harness.js';

// The services of the examples. The messages stay in the partition, so they need no codec.
function rpc<M extends 'tell' | 'ask', Request extends object, Reply extends object>(
  name: string,
  mode: M,
  request: Request,
  reply: Reply,
): Method<M, Request, Partial<Request>, Reply, Partial<Reply>> {
  const fullName = `test.Page.${name}`;
  return { name, fullName, mode, lane: Lane.data, request: type('Request', request), response: type('Reply', reply) };
}

function type<T extends object>(typeName: string, defaults: T): MessageType<T, Partial<T>> {
  const refuse = (): never => {
    throw new Error(`${typeName} never leaves the partition in these tests`);
  };
  return { typeName, create: (init) => ({ ...defaults, ...init }), write: refuse, read: refuse };
}

const noAccount: { readonly account: RefInit } = { account: Ref.create({}) };
const accountMethods = { withdraw: rpc('withdraw', 'ask', { amount: 0 }, { left: 0 }) };
const bankMethods = { open: rpc('open', 'ask', { name: '', limit: 0 }, noAccount) };
const gateMethods = {
  enter: rpc('enter', 'ask', {}, { value: 0 }),
  open: rpc('open', 'tell', { value: 0 }, {}),
};
const Account: Service<typeof accountMethods> = { typeName: 'test.Account', methods: accountMethods };
const Bank: Service<typeof bankMethods> = { typeName: 'test.Bank', methods: bankMethods };
const Gate: Service<typeof gateMethods> = { typeName: 'test.Gate', methods: gateMethods };

// ---- what follows is on the page, line by line

const gate = behavior(Gate, {
  state: (): DeferredReply<{ value: number }>[] => [],
  enter: (waiting) => {
    const reply = deferred<{ value: number }>();
    waiting.push(reply);
    return reply;
  },
  open: (waiting, { value }) => {
    for (const reply of waiting.splice(0)) reply.resolve({ value });
  },
});

interface Limits {
  readonly limit: number;
}

const account = behavior(Account, {
  state: (_ctx, { limit }: Limits) => ({ left: limit }),
  withdraw: (state, { amount }) => {
    if (amount > state.left) throw new Refusal('OVERDRAWN', `only ${state.left} left`);
    state.left -= amount;
    return { left: state.left };
  },
});

const bank = behavior(Bank, {
  open: (_state, { name, limit }, ctx) => ({ account: ctx.spawn(account, { name, args: { limit } }).toRef() }),
});

/** The example of `whenReady`, with its names. */
async function sendAll(
  ref: { readonly whenReady: { observe(trade: object, options: { timeoutMs: number }): Promise<void> } },
  trades: readonly object[],
): Promise<void> {
  for (const trade of trades) await ref.whenReady.observe(trade, { timeoutMs: 1_000 });
}

// ---- to here

const source = readFileSync('test/actors/kernel/actors-page.test.ts', 'utf8');
const page = readFileSync('docs/actors.md', 'utf8');
const linesOf = (text: string): readonly string[] => text.split('\n').map((line) => line.trim());

/** The example that contains `text`. */
function exampleWith(text: string): string {
  const found = [...page.matchAll(/^```ts\n([^]*?)^```$/gm)]
    .map(([, code = '']) => code)
    .find((code) => code.includes(text));
  if (found === undefined) throw new Error(`docs/actors.md has no example with ${text}`);
  return found;
}

describe('the examples of docs/actors.md', () => {
  afterEach(closeSystems);

  for (const text of ['behavior(Gate', 'behavior(Account', 'whenReady.observe']) {
    it(`are those of this file: ${text}`, () => {
      const lines = linesOf(source);
      const missing = linesOf(exampleWith(text)).filter((line) => line !== '' && !lines.includes(line));
      expect(missing).to.deep.equal([]);
    });
  }

  it('reply by deferred()', async () => {
    const { system } = testSystem();
    const ref = system.spawn(gate);
    const entered = [ref.enter(), ref.enter({}, { timeoutMs: 1_000 })];
    ref.open({ value: 3 });
    expect(await Promise.all(entered)).to.deep.equal([{ value: 3 }, { value: 3 }]);
  });

  it('spawn actors with args', async () => {
    const { system } = testSystem();
    const opened = await system.spawn(bank).open({ name: 'acme', limit: 5 });
    const acme = system.reference(Account, opened.account);
    expect(await acme.withdraw({ amount: 3 })).to.deep.equal({ left: 2 });
    expect(await rejection(acme.withdraw({ amount: 3 })))
      .to.be.instanceOf(RefusedError)
      .and.include({ reason: 'OVERDRAWN', message: 'only 2 left' });
  });

  it('send when there is room', async () => {
    const { system } = testSystem();
    let seen = 0;
    const ref = system.spawn(worker({ mailbox: { capacity: 4 }, push: () => void seen++ }));
    const observe = (trade: object, options: { timeoutMs: number }): Promise<void> =>
      ref.whenReady.push(trade, options);
    await sendAll(
      { whenReady: { observe } },
      Array.from({ length: 20 }, () => ({ value: 1 })),
    );
    await until(() => seen === 20);
  });
});
