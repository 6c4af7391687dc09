/**
 * Gateways between component networks: one process that is a peer of several clusters, and lends containers of each to requests of the others. It goes by what the network room
 * finds, and must not show members of one network to another.
 */
export { type GatewayRoute, joinNetworks, type JoinNetworksOptions, NetworkGateway } from './join-networks.js';
