import { limits } from '../../limits.js';
import type { Window } from '../pubsub/index.js';

/** How far a publisher may be ahead of one subscriber. */
export interface ValueReadOptions {
  /** Values that were sent and not read. Default `limits.valueItems`. */
  readonly windowItems?: number;
  /** Bytes of values that were sent and not read. A value is sent while any of them are left. Default `limits.valueBytes`. */
  readonly windowBytes?: number;
}

export function valueWindow({ windowItems, windowBytes }: ValueReadOptions): Window {
  return { items: windowItems ?? limits.valueItems, bytes: windowBytes ?? limits.valueBytes };
}
