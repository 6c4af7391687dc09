/** The bounds of gateways: those to clients, and those between component networks. They are part of `limits`. This file imports nothing. */
export const gatewayLimits = {
  /** Connections of clients to one gateway; one more is refused. */
  gatewayConnections: 10_000,
  /** Of these, connections that have not said who they are. */
  gatewayUnauthenticated: 256,
  /** Time that a client has to say who it is, and the gateway to find out, in ms. */
  gatewayAuthenticateMs: 5_000,
  /** Bytes that a gateway reads of a client before it knows who that is. */
  gatewayHelloBytes: 16 * 1024,
  /** Bytes of one frame of a client. */
  gatewayFrameBytes: 1024 * 1024,
  /** Calls that one client may wait for at a time, streams included. */
  gatewayCalls: 256,
  /** Lookups of names that wait at one gateway, for all clients together. */
  gatewayLookups: 1_024,
  /** Of these, names for one client. */
  gatewayClientLookups: 32,
  /** Elements of one stream that a client may grant at a time. */
  gatewayWindowItems: 1_024,
  /** Messages of one topic that wait in the gateway for one client. */
  gatewayTopicMessages: 256,
  /** Bytes that wait in the gateway for one client; past it the gateway reads no calls of it, and no elements for it. */
  gatewayBufferBytes: 1024 * 1024,
  /** Bytes that wait in the gateway for one client at most; when more have waited for 2 s the client is cut off. */
  gatewayCutBytes: 32 * 1024 * 1024,
  /** Time in which a client must have read so much that half of `gatewayBufferBytes` or less waits for it, in ms. */
  gatewaySlowReaderMs: 30_000,
  /** Time between two pings of a gateway to a client, in ms. */
  gatewayPingMs: 30_000,
  /** Time that a closing gateway gives to the calls of its clients, in ms. */
  gatewayGraceMs: 5_000,
  /** Bytes that wait in a client for its connection; tells and asks past it fail with BackpressureError. */
  clientBufferBytes: 1024 * 1024,
  /** Tells of a client that its gateway has neither delivered nor refused; one more fails with BackpressureError. */
  clientTells: 16_384,
  /** Requests that one gateway between networks passes on, or finds a container for, at a time; one more is refused. */
  networkGatewayRequests: 1_024,
  /** Time between two reports of a gateway between networks to those who use it, in ms. */
  networkGatewayReportMs: 1_000,
  /** Networks that a request may come through, and those on a way that a gateway reports. */
  networkGatewayHops: 8,
  /** Networks that one gateway reports. */
  networkGatewayReached: 64,
  /** Networks in which gateways ask for one request. */
  networkGatewayAsked: 256,
} as const;
