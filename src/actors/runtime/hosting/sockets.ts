import { abandonSocket, removeLeftSocket } from '../../../transport/handshake/index.js';

/** Removes the socket files of a partition that ends on its own. */
export function abandonSockets(address: string): void {
  for (const path of socketPaths(address)) abandonSocket(path);
}

/** For a partition that could not even do that. */
export async function removeLeftSockets(address: string): Promise<void> {
  await Promise.all(socketPaths(address).map(removeLeftSocket));
}

/** An address names each way to a partition; those over sockets with a file say where that is. */
function socketPaths(address: string): string[] {
  return [...address.matchAll(/unix:(?<path>\/[^\s#]+)/g)].map(({ groups }) => groups?.['path'] ?? '');
}
