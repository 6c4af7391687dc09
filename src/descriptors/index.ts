/**
 * The memory of large values: pools, and who owns what is in them. Publishers and subscribers call it. It must never know actors; what travels is
 * sent by others.
 */
export * from './memory/index.js';
export * from './pool/index.js';
export * from './storage/index.js';
export * from './codables/index.js';
export * from './ledger/index.js';
export * from './reading/index.js';
