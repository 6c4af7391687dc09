/**
 * Groups: actors that are used by one name as one reference. The Runtime passes the changes of the control plane on to it. Nothing here may
 * register an actor: that is done by names.
 */
export { invoke } from './group-calls.js';
export type { Membership } from './membership.js';
export { type GroupListener, Groups, type GroupSource } from './groups.js';
export { checkPolicy } from './policy.js';
