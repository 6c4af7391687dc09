import { loadPart } from '../../installation.js';
import type { TransportKind } from '../kind.js';

const SCHEMES = ['unix:', 'tcp:', 'tls:'] as const;

/** Sockets: they reach every process, and need nothing that is not there. */
export const netKind: TransportKind = {
  name: 'net',
  schemes: SCHEMES,
  open: async ({ links, ...common }) => {
    const { NetTransport } = await loadPart(import('./transport.js'));
    const { abandonSockets, removeLeftSockets } = await loadPart(import('../handshake/index.js'));
    return {
      layers: (listen) => [{ transport: new NetTransport({ ...links, ...common, listen }), schemes: SCHEMES }],
      sweep: removeLeftSockets,
      abandon: abandonSockets,
    };
  },
};
