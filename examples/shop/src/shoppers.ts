import type { ComponentClient, ComponentNetwork } from 'millrace';
import { Catalog, Orders, Payment, type Receipt } from '../gen/shop.js';
import { SKUS } from './catalog.js';
import { noted } from './handled.js';
import type { Ledger } from './ledger.js';
import { arrivals } from './load.js';

/** Time in ms in which each request must have ended. */
const TIMEOUT_MS = 3_000;

export interface Shop {
  readonly catalog: ComponentClient<typeof Catalog>;
  readonly orders: ComponentClient<typeof Orders>;
  readonly payment: ComponentClient<typeof Payment>;
}

export interface ShoppersOptions {
  readonly network: ComponentNetwork;
  readonly ledger: Ledger;
  readonly seconds: number;
  /** The file in which containers note what they handle. */
  readonly handled: string;
  readonly signal: AbortSignal;
  readonly paid: (receipt: Receipt) => void;
}

export async function shopOf(network: ComponentNetwork): Promise<Shop> {
  return {
    catalog: await network.client(Catalog),
    orders: await network.client(Orders),
    payment: await network.client(Payment),
  };
}

/** Lets the shoppers of a day in, each when it comes. Resolves when the last has left, or the signal was aborted and those inside have left. */
export async function shoppersOf(options: ShoppersOptions): Promise<void> {
  const { network, seconds, signal } = options;
  const { scheduler } = network.runtime;
  const shop = await shopOf(network);
  const beganMs = scheduler.now();
  const inside: Promise<void>[] = [];
  for (const atMs of arrivals(seconds)) {
    const waitMs = beganMs + atMs - scheduler.now();
    if (waitMs > 0) await new Promise<void>((resolve) => void scheduler.setTimer(waitMs, resolve));
    if (signal.aborted) break;
    inside.push(shopperOf(options, shop, inside.length));
  }
  await Promise.all(inside);
}

/** Asks for a price, orders, and pays. */
async function shopperOf({ ledger, handled, paid }: ShoppersOptions, shop: Shop, number: number): Promise<void> {
  const item = { sku: SKUS[number % SKUS.length] ?? '', count: 1 + (number % 3) };
  const options = { timeoutMs: TIMEOUT_MS, meta: noted(handled) };
  const request = <T>(what: string, make: (id: string) => Promise<T>): Promise<T | undefined> => {
    const id = `${what} ${number}`;
    return ledger.counted(id, TIMEOUT_MS, () => make(id));
  };
  await request('quote', (id) => shop.catalog.quote({ ...item, id }, options));
  const bill = await request('order', (id) => shop.orders.place({ ...item, id }, options));
  if (bill === undefined) return;
  const receipt = await request('payment', (id) => shop.payment.pay({ ...bill, id }, options));
  if (receipt !== undefined) paid(receipt);
}
