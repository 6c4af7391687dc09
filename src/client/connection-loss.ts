import { type MillraceError, ProtocolError, RefusedError, UnreachableError } from '../errors.js';
import { CLOSES } from '../protocol/client-wire/index.js';

/** What the gateway knows a client by, or a function that gives it for each connection. */
export type Token = string | (() => string | Promise<string>) | undefined;

/** The end of a WebSocket. `said` is what its error event has said. */
export interface SocketEnd {
  readonly code: number;
  readonly reason: string;
  readonly said: string;
}

/**
 * Why a connection has ended. A token that the gateway refuses is refused again, unless a function gives another one. The error is that of the
 * calls that wait on the connection.
 */
export function lossOf(
  url: string,
  { code, reason, said }: SocketEnd,
  token: Token,
): { readonly error: MillraceError; readonly isFinal: boolean } {
  if (code === CLOSES.unauthenticated.code) {
    const message = reason === '' ? `${url} has refused the token of this client.` : `${url}: ${reason}`;
    return {
      error: new RefusedError(message, { reason: 'UNAUTHENTICATED' }),
      isFinal: CLOSES.unauthenticated.isFinal && typeof token !== 'function',
    };
  }
  if (code === CLOSES.version.code) {
    return { error: new ProtocolError(`${url}: ${reason}`), isFinal: CLOSES.version.isFinal };
  }
  const why = reason || said;
  const detail = why === '' ? `its code is ${code}` : why;
  return { error: new UnreachableError(`The connection to ${url} has ended: ${detail}.`), isFinal: false };
}

/** Rejects with what the function of the user throws. */
export async function tokenOf(token: Token): Promise<string> {
  return typeof token === 'function' ? await token() : (token ?? '');
}
