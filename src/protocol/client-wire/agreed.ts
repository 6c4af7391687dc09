/** The subprotocol of WebSockets, which both ends name: a server of another kind never takes a client for its own. */
export const CLIENT_SUBPROTOCOL = 'millrace-client';

/** Of the frames; a gateway closes the connection of a client that speaks another one. */
export const CLIENT_VERSION = 1;

/** Why a gateway closes a WebSocket. */
export interface Close {
  /** 1001 as RFC 6455 has it, the others of the range for applications. */
  readonly code: number;
  /** The client is told no again when it comes as it came: it closes, but for one whose token a function gives. */
  readonly isFinal: boolean;
}

/** docs/wire.md has the same table. What says nothing of the client itself is not final. */
export const CLOSES = {
  goingAway: { code: 1001, isFinal: false },
  badFrame: { code: 4400, isFinal: false },
  unauthenticated: { code: 4401, isFinal: true },
  version: { code: 4406, isFinal: true },
  silent: { code: 4408, isFinal: false },
  slowReader: { code: 4409, isFinal: false },
  busy: { code: 4429, isFinal: false },
  authenticationFailed: { code: 4503, isFinal: false },
} as const satisfies Readonly<Record<string, Close>>;

export type CloseReason = keyof typeof CLOSES;
