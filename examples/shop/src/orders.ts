import { defineComponent } from 'millrace';
import { Orders } from '../gen/shop.js';
import { catalog } from './catalog.js';
import { handle } from './handled.js';

/** Takes orders. Each of its containers has a catalog of its own, which it calls directly: no message is sent. */
export const orders = defineComponent('orders', import.meta.url, Orders, {
  containers: { min: 1, max: 16 },
  uses: [catalog],
  handlers: {
    place: async (_kept, { id, sku, count }, call) => {
      const { cents } = await call.direct(catalog).quote({ id: `${id}, its price`, sku, count });
      await handle(call, id, 12);
      return { id, cents };
    },
  },
});
