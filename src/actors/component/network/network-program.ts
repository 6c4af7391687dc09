import type { ComponentNetwork } from './component-network.js';

/** What a program that calls components is given. */
export interface NetworkProgramContext {
  /** Where the components are. */
  readonly network: ComponentNetwork;
  /** Aborted when the program is to end: a module that it imports has changed, or the command stops. */
  readonly signal: AbortSignal;
  /** The words after `--`. */
  readonly args: readonly string[];
}

/**
 * The default export of a `main.js` for `millrace dev`.
 *
 *     export default async function main({ network, signal }) {
 *       const client = await network.client(Prices);
 *       const { cents } = await client.quote({ sku: 'tea', count: 2 }, { signal });
 *       console.log(cents);
 *     }
 */
export type NetworkProgram = (context: NetworkProgramContext) => unknown;
