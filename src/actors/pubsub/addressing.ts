import type { UntypedRef } from '../kernel/index.js';

/** How elements are made ready for their readers, where each reader gets something of its own, such as a descriptor that it holds. */
export interface Addressing<T> {
  /** The element for one reader. Throws UnreachableError for a reader whose partition has ended. */
  address(value: T, reader: UntypedRef): T;
  /** An addressed element was not sent. */
  withdraw(value: T): void;
  /** The reader is gone, or the writer is closed. These addressed elements were sent, and it is not known which of them arrived. */
  lost(values: readonly T[]): void;
}
