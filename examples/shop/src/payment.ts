import { type ContainedComponent, defineComponent } from 'millrace';
import { Payment } from '../gen/shop.js';
import { handle } from './handled.js';

/** Time in ms in which the bank answers. */
const BANK_MS = 60;

/** Gives receipts, with numbers that go on in the container of the next version. */
export function paymentOf(url: string, version: number): ContainedComponent<typeof Payment, unknown> {
  return defineComponent('payment', url, Payment, {
    version: String(version),
    containers: { min: 1, max: 16 },
    created: () => ({ receipts: 0 }),
    exportState: ({ receipts }) => Buffer.from(String(receipts)),
    importState: (kept, state) => void (kept.receipts = Number(Buffer.from(state))),
    handlers: {
      pay: async (kept, { id }, call) => {
        await handle(call, id, BANK_MS);
        return { number: ++kept.receipts, version, pid: process.pid };
      },
    },
  });
}

export const payment = paymentOf(import.meta.url, 1);
