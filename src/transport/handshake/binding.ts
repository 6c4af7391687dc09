/** What every listener does to get an address: checks it, binds it, and makes it its own. */
import { once } from 'node:events';
import type { Server } from 'node:net';
import { ConfigError } from '../../errors.js';
import type { Entropy } from '../../scheduler/index.js';
import { type SocketAddress, formatAddress, isWildcard } from '../../socket-address.js';
import type { ListenOptions } from '../link-options.js';

/** Throws ConfigError for an address that means every interface, where nothing says what others dial. */
export function assertAdvertised(own: SocketAddress, { advertisedHost }: ListenOptions): void {
  if (!isWildcard(own) || advertisedHost !== undefined) return;
  throw new ConfigError(
    `${formatAddress(own)} means every interface: set advertisedHost to the host name that others dial.`,
  );
}

/** A random token, new for each listener: its address never leads to a successor. */
export function newInstance(entropy: Entropy): string {
  return Buffer.from(entropy(8)).toString('hex');
}

/** Binds the server. Rejects with what Node says where it cannot, and where the server is closed meanwhile. */
export async function listening(server: Server, place: object): Promise<void> {
  const closed = new AbortController();
  const close = (): void => closed.abort(new Error('it was closed before it was bound'));
  server.once('close', close);
  try {
    server.listen(place);
    await once(server, 'listening', { signal: closed.signal });
  } catch (error) {
    throw closed.signal.aborted ? closed.signal.reason : error;
  } finally {
    server.off('close', close);
  }
}

/** Says what to do about an address that cannot be bound. */
export function cannotListen(own: SocketAddress): (cause: Error) => never {
  return (cause) => {
    throw new ConfigError(`Cannot listen at ${formatAddress(own)}: ${cause.message}. Choose another address.`, {
      cause,
    });
  };
}
