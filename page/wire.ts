import type { ClusterView } from '../src/introspection/cluster-view.js';

/** What the server says of one actor. */
export interface Detail {
  readonly state: string;
  readonly stateProblem: string;
  readonly waiting: readonly string[];
  readonly children: readonly string[];
  readonly methods: readonly string[];
  readonly mayAct: boolean;
  /** Instead of all else: why there is no answer. */
  readonly message?: string;
}

// The server and its page are of one version: what it sends has these types.
export const parseView: (text: string) => ClusterView = JSON.parse;
export const parseDetail: (text: string) => Detail = JSON.parse;
export const parseProblem: (text: string) => { readonly message?: string } = JSON.parse;
export const parseAny: (text: string) => unknown = JSON.parse;
