import { defineComponent } from 'millrace';
import { Catalog } from '../gen/shop.js';
import { handle } from './handled.js';

/** Cents for one. */
const PRICES: readonly (readonly [sku: string, cents: number])[] = [
  ['tea', 350],
  ['rice', 120],
  ['salt', 80],
];

export const SKUS = PRICES.map(([sku]) => sku);

/** Says what things cost. */
export const catalog = defineComponent('catalog', import.meta.url, Catalog, {
  containers: { min: 1, max: 16 },
  created: () => new Map(PRICES),
  handlers: {
    quote: async (prices, { id, sku, count }, call) => {
      await handle(call, id, 8);
      return { cents: (prices.get(sku) ?? 0) * count };
    },
  },
});
