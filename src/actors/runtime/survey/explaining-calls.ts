import type { UntypedRef } from '../../kernel/index.js';
import { NetworkCalls } from '../network/index.js';
import { explainCluster, type Explained, type ExplainOptions } from './explain.js';
import type { Peers } from './peers.js';

/** The calls of a runtime by which a program learns why something waits. */
export abstract class ExplainingCalls extends NetworkCalls {
  abstract get peers(): Peers;

  /**
   * Why an actor, the link to a peer, a component or an rpc waits: facts, and the likeliest reason. All partitions are asked, twice by default, and keep marks until
   * nobody has asked for 10 s. Rejects with ConfigError for what nobody knows and for a wrong option.
   *
   *     const { because, facts } = await runtime.explain('till');
   */
  explain(what: string | UntypedRef, options?: ExplainOptions): Promise<Explained> {
    return explainCluster(this.peers, what, options);
  }
}
