import { loadPart } from '../../installation.js';
import { choice, text } from '../../option.js';
import type { TransportKind } from '../kind.js';

const USES = ['auto', 'off', 'required'] as const;

export interface UcxSettings {
  /** Links through UCX. `auto` (default): where it is installed; `required`: the runtime does not start without it. */
  readonly ucx?: (typeof USES)[number];
  /** Network interfaces on which every user is trusted, for UCX over TCP. Default: none, so UCX does not use TCP. */
  readonly ucxInterfaces?: readonly string[];
}

/** Values of `ucxOptions`. */
export interface UcxValues {
  readonly ucx: (typeof USES)[number];
  readonly ucxInterfaces: string;
}

export const ucxOptions = {
  ucx: choice(USES, {
    default: 'auto',
    description:
      'Links through shared memory with UCX: auto uses it where it is installed; required refuses to start without it.',
  }),
  ucxInterfaces: text({
    default: '',
    defaultText: 'none',
    description: 'Network interfaces whose users are all trusted: UCX over TCP does not authenticate its peers there.',
    accepts: 'names of network interfaces, separated by commas, or nothing',
    isValid: (names) => /^([\w.:@-]{1,15}(,[\w.:@-]{1,15})*)?$/.test(names),
  }),
} as const;

export function ucxSettings({ ucx, ucxInterfaces }: UcxValues): UcxSettings {
  return { ucx, ...(ucxInterfaces !== '' && { ucxInterfaces: ucxInterfaces.split(',') }) };
}

export interface ShimFiles {
  /** Path of the shim. Default: the one that was built on this machine, or else that of the package for machines of its kind. */
  readonly shim?: string;
  /** Path or name of the UCX library. Default `libucp.so.0`, on the library path of the system. */
  readonly ucx?: string;
}

/** Shared memory on one host, and UCX over TCP on trusted interfaces. `files`: where its native parts are, if not in their usual places. */
export function ucxKind(files: ShimFiles = {}): TransportKind<UcxSettings> {
  return {
    name: 'ucx',
    schemes: ['ucx+unix:', 'ucx+tcp:', 'ucx+tls:'],
    open: async (options) => {
      if (options.links.ucx === 'off') return { layers: () => [] };
      const { openUcx } = await loadPart(import('./open-ucx.js'));
      return openUcx(options, files);
    },
  };
}
