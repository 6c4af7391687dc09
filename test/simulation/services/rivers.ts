import { Lane, type Method, type Service } from '#src/protocol/index.js';
import { Errand } from './errands.js';

const shared = { lane: Lane.data, request: Errand, response: Errand };

function tell(name: string, rpc: string): Method<'tell', Errand, Partial<Errand>, Errand, Partial<Errand>> {
  return { name, fullName: `simulation.Rivers.${rpc}`, mode: 'tell', ...shared };
}

const flow: Method<'stream', Errand, Partial<Errand>, Errand, Partial<Errand>> = {
  name: 'flow',
  fullName: 'simulation.Rivers.Flow',
  mode: 'stream',
  ...shared,
};

const methods = {
  /** The numbers from 0 below `number`. `depth` says how: see the workload. */
  flow,
  /** Reads what flows from the peer, `number` of it. */
  drink: tell('drink', 'Drink'),
  /** Throws. */
  stumble: tell('stumble', 'Stumble'),
};

export const Rivers: Service<typeof methods> = { typeName: 'simulation.Rivers', methods };
