import type * as ws from 'ws';
import { ResourceError } from '../../errors.js';
import { limits } from '../../limits.js';

export type { WebSocket, WebSocketServer } from 'ws';

/** What the transport uses of the package `ws`. */
export type WsPackage = Pick<typeof ws, 'WebSocket' | 'WebSocketServer'>;

/** The subprotocol, which both ends name: a server of another kind never takes a link for its own. */
export const SUBPROTOCOL = 'millrace';

/** What both ends say of a WebSocket. */
export const SOCKET_OPTIONS = {
  perMessageDeflate: false,
  maxPayload: limits.webSocketMessageBytes,
  closeTimeout: limits.linkLingerMs,
} as const;

const NAME: string = 'ws';

/** Rejects with ResourceError where the package is missing. The name is no literal, so that bundlers leave the package to run time. */
export async function loadWs(): Promise<WsPackage> {
  let cause: unknown;
  try {
    const found: unknown = await import(NAME);
    if (isComplete(found)) return found;
  } catch (error) {
    cause = error;
  }
  throw new ResourceError(
    'Addresses of ws:// and wss:// need the package ws, version 8.19 or later. Run: npm install ws',
    {
      cause,
    },
  );
}

function isComplete(found: unknown): found is WsPackage {
  return typeof found === 'object' && found !== null && 'WebSocket' in found && 'WebSocketServer' in found;
}
