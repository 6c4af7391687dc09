/** Where the shim is: what was built on this machine has priority over what the package brings for machines of its kind. */
import { existsSync, readFileSync } from 'node:fs';
import { codeOf } from '../../foreign.js';
import { packageFile } from '../../installation.js';

const NEED = 'The ucx transport needs its shim.';
const FILE = 'millrace-ucx.so';
/** Files that are mapped into this process, the C library among them. */
const MAPS = '/proc/self/maps';

/** The places where the shim may be, in the order in which they are tried. ResourceError in a bundle without the package. */
export function shimPlaces(): readonly [own: string, prebuilt: string] {
  const file = (folder: string): string => packageFile(`native-shims/${folder}/${FILE}`, NEED);
  return [file('build'), file(`prebuilt/${machineKind()}`)];
}

/** The first of the places where a shim is, or undefined. */
export function findShim(places: readonly string[]): string | undefined {
  return places.find((place) => existsSync(place));
}

/** The script that builds the shim on this machine. */
export function shimScript(): string {
  return packageFile('native-shims/build.mjs', NEED);
}

/** As native-shims/prebuild.mjs names it: `linux-x64`, `linux-arm64-musl`. */
function machineKind(): string {
  return `${process.platform}-${process.arch}${usesMusl() ? '-musl' : ''}`;
}

function usesMusl(): boolean {
  try {
    return /\/(ld-musl-|libc\.musl-)/.test(readFileSync(MAPS, 'utf8'));
  } catch (error) {
    // Not Linux, or no /proc, without which there is no UCX either.
    if (codeOf(error) !== undefined) return false;
    throw error;
  }
}
