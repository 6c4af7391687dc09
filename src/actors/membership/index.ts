/**
 * Membership of a network without a leader: who is there, who has left, who does not answer, and what each offers. `state` decides, as a pure state machine
 * (SWIM, with the ideas of Lifeguard); `NetworkMember` carries that out over the links of a partition. The runtime joins networks by it. It must not
 * know of control planes, nor start or stop anything that members offer.
 */
export { AddressBook, type GroupsListener } from './address-book.js';
export { faultInName } from './faults.js';
export { NetworkMember, type NetworkMemberOptions } from './network-member.js';
export { PeerFile } from './peer-file.js';
export { type Counts, isAlive, type Member, type NetworkState, placesOf, Status } from './state/index.js';
