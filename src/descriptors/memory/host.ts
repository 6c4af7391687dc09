import { readFileSync, readlinkSync } from 'node:fs';
import { ResourceError } from '../../errors.js';

let own: string | undefined;

/**
 * One boot of this host, and the PID namespace of this process: processes with the same text can open each other's files in /proc. Throws
 * ResourceError where /proc is not mounted.
 */
export function hostOfProcesses(): string {
  try {
    own ??= `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`;
    return own;
  } catch (cause) {
    throw new ResourceError('Memory is shared by the files of /proc, which cannot be read here: mount /proc.', {
      cause,
    });
  }
}
