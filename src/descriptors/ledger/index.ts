/**
 * Who holds each value: pure state machines for the owner and for those who hold. Whoever sends and receives descriptors calls them. They must never
 * send anything, nor know time or memory.
 */
export {
  applyToHolding,
  areCharged,
  type Holding,
  type HoldingEffect,
  type HoldingEvent,
  isClaimed,
  isReadable,
  newHolding,
} from './holding.js';
export { Ledger, type LedgerEffect, type LedgerEvent } from './ledger.js';
export {
  applyToRow,
  balanceOf,
  hasComeFromOwner,
  type PeerIncarnation,
  isFree,
  newRow,
  type ObjectRow,
  type RowEffect,
  type RowEvent,
} from './object-row.js';
