import { abandonSocket, removeLeftSocket } from '../../../transport/handshake/index.js';

/** Removes the socket files of a partition that ends on its own. */
export function abandonSockets(address: string): void {
  for (const path of socketPaths(address)) abandonSocket(path);
}

/** Removes the socket files of a partition that could not do so itself. */
export async function removeLeftSockets(address: string): Promise<void> {
  await Promise.all(socketPaths(address).map(removeLeftSocket));
}

/** The socket files in an address, which lists each transport of a partition. */
function socketPaths(address: string): string[] {
  return [...address.matchAll(/unix:(?<path>\/[^\s#]+)/g)].map(({ groups }) => groups?.['path'] ?? '');
}
