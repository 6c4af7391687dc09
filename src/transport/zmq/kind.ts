import { loadPart } from '../../installation.js';
import { text } from '../../option.js';
import { parseAddress } from '../../socket-address.js';
import type { TransportKind } from '../kind.js';

export interface ZeroMqSettings {
  /** Where this process also accepts links over ZeroMQ: `zmq+ipc:` or `zmq+tcp://host:port`. Default: nowhere. */
  readonly zmqListen?: string;
}

/** Values of `zeroMqOptions`. */
export interface ZeroMqValues {
  readonly zmqListen: string;
}

const SCHEMES = ['zmq+ipc:', 'zmq+tcp:'] as const;

export const zeroMqOptions = {
  zmqListen: text({
    default: 'none',
    description: 'Address at which other processes reach this one over ZeroMQ, beside listen; none: they cannot.',
    accepts:
      'none, zmq+ipc: (a socket file in a private folder) or zmq+tcp://host:port (a port from 0 to 65535, 0: any)',
    isValid: (address) => address === 'none' || isListenAddress(address),
  }),
} as const;

export function zeroMqSettings({ zmqListen }: ZeroMqValues): ZeroMqSettings {
  return zmqListen === 'none' ? {} : { zmqListen };
}

/** ZeroMQ: for clusters that use it already, and networks on which connections break often. */
export const zeroMqKind: TransportKind<ZeroMqSettings> = {
  name: 'zmq',
  schemes: SCHEMES,
  open: async ({ links, ...common }) => {
    const { zmqListen, ...shared } = links;
    const { ZeroMqTransport, hostThreads } = await loadPart(import('./transport.js'));
    hostThreads();
    const { abandonSockets, removeLeftSockets } = await loadPart(import('../handshake/index.js'));
    return {
      layers: (_listen, partition) => {
        const listen = partition === 0 ? zmqListen : zmqListen && onAnyPort(zmqListen);
        const transport = new ZeroMqTransport({ ...shared, ...common, ...(listen && { listen }) });
        return [{ transport, schemes: SCHEMES, isDialOnly: listen === undefined }];
      },
      sweep: removeLeftSockets,
      abandon: abandonSockets,
    };
  },
};

function isListenAddress(text: string): boolean {
  return /^zmq\+(ipc:$|tcp:\/\/)/.test(text) && parseAddress(text)?.instance === '';
}

/** The first partition has the port; the others have any. */
function onAnyPort(address: string): string {
  return address.replace(/:\d+$/, ':0');
}
