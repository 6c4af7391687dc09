import { ConfigError } from '../../errors.js';
import { shownValue } from '../../foreign.js';
import type { AnyService } from '../../protocol/index.js';
import { type Wrappable, wrapAsksKey } from '../kernel/index.js';

/** Throws ConfigError for what the compiler refuses in TypeScript. */
export function checkWrappable(
  call: string,
  target: unknown,
): asserts target is Wrappable & { readonly service: AnyService } {
  if (typeof target === 'object' && target !== null && wrapAsksKey in target && 'service' in target) return;
  throw new ConfigError(
    `${call} needs the reference of an actor or of a group, which spawn, lookup, place and group return, not ${shownValue(target)}.`,
  );
}
