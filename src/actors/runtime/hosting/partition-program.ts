import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError } from '../../../errors.js';
import { compiledModule } from '../../../installation.js';

/** From dist/ or dist/cjs/: the entry point `millrace/partition`. */
const PROGRAM = 'actors/runtime/hosting/program.js';

/**
 * The module that a thread or process runs to be a partition: the one that the option names, or else that of the installed package.
 * ConfigError for a name that is no file, and in a bundle that names none.
 */
export function partitionProgram(named: string | URL | undefined): URL {
  if (named !== undefined) return fileUrl(named);
  const file = compiledModule(PROGRAM);
  if (file !== undefined) return pathToFileURL(file);
  throw new ConfigError(
    "Partitions on threads and in processes need a program of their own, and this program is a bundle without the package millrace. Add a second entry with the line import 'millrace/partition' to the bundle, and name its output: Runtime.start({ partitionProgram: new URL('./partition.js', import.meta.url) }).",
  );
}

function fileUrl(named: string | URL): URL {
  const text = String(named);
  if (isAbsolute(text)) return pathToFileURL(text);
  if (URL.canParse(text) && text.startsWith('file:')) return new URL(text);
  throw new ConfigError(
    `partitionProgram is a file: URL or an absolute path, not ${JSON.stringify(text)}: new URL('./partition.js', import.meta.url).`,
  );
}
