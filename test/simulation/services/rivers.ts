import {
  type BidiStreamMethod,
  type ClientStreamMethod,
  Lane,
  type Method,
  type Service,
} from '#src/protocol/index.js';
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

const merge: ClientStreamMethod<Errand, Partial<Errand>, Errand, Partial<Errand>> = {
  name: 'merge',
  fullName: 'simulation.Rivers.Merge',
  mode: 'ask',
  streamsRequests: true,
  ...shared,
};

const mill: BidiStreamMethod<Errand, Partial<Errand>, Errand, Partial<Errand>> = {
  name: 'mill',
  fullName: 'simulation.Rivers.Mill',
  mode: 'stream',
  streamsRequests: true,
  ...shared,
};

const methods = {
  /** The numbers from 0 below `number`. `depth` says how: see the workload. */
  flow,
  /** Reads what flows from the peer, `number` of it. */
  drink: tell('drink', 'Drink'),
  /** Takes a request that says how, and then the numbers from 0. Replies with their count. */
  merge,
  /** As `merge`, with each number as a reply. */
  mill,
  /** Merges `number` into the peer. */
  pour: tell('pour', 'Pour'),
  /** Throws. */
  stumble: tell('stumble', 'Stumble'),
};

export const Rivers: Service<typeof methods> = { typeName: 'simulation.Rivers', methods };
