/**
 * The network that a runtime belongs to: joins it from seeds, offers the names of this process to it, and finds those of others. Only runtimes that were
 * started with `seeds` have one.
 */
export { NetworkCalls } from './network-calls.js';
export { type MemberOfNetwork, type NetworkDescription, shownMember, type UnansweredSeed } from './network-view.js';
export { checkNetwork, type NetworkSettings, RuntimeNetwork } from './runtime-network.js';
