import { join, resolve } from 'node:path';
import { ConfigError } from '../errors.js';
import { borrowingMessages } from './borrowed-fields.js';
import { emitDeclarations } from './declarations.js';
import { moduleStem, type RuntimeModules } from './imports.js';
import { type ModuleKind, moduleKindOf } from './module-kind.js';
import { emitModule } from './modules.js';
import type { FileSchema } from './schema.js';
import { select } from './select.js';
import { loadSources } from './sources.js';
import { writeFiles } from './write-files.js';

export type { RuntimeModules } from './imports.js';

export interface GenerateOptions {
  /** Paths of .proto files. */
  readonly files: readonly string[];
  /** Folders that imports are relative to; without them, the folders of `files`. */
  readonly protoPath?: readonly string[];
  /** Folder to write to, made when missing. Each module lies as its .proto does below the proto path. */
  readonly out: string;
  /** What the `.js` files are; without it, what the nearest package.json of `out` makes of them. */
  readonly module?: ModuleKind;
  /** Whether services are generated; `false` makes messages and enums alone. Default: true. */
  readonly services?: boolean;
  /** Is told of each file whether it was written, or was there already as it should be. */
  readonly report?: (path: string, isWritten: boolean) => void;
  /** Is told of what protoc refuses and Millrace takes: a sentence with file and line. */
  readonly warn?: (text: string) => void;
  /** Where generated code finds Millrace; for Millrace itself, which cannot import its own package. */
  readonly modules?: RuntimeModules;
}

const PACKAGE_MODULES: RuntimeModules = {
  specifier: () => 'millrace/protocol',
  shipped: new Set([
    'google/protobuf/duration.proto',
    'google/protobuf/empty.proto',
    'google/protobuf/timestamp.proto',
    'millrace/v1/ref.proto',
  ]),
};

/**
 * Turns .proto files, and those whose types they use, into one `.js` and one `.d.ts` each. Nothing is written when anything
 * is refused or cannot be written; a file that would not change is left alone, and one that does keeps its permissions. What is a symbolic link
 * stays one: the file that it leads to is written. Resolves to the paths of all files, sorted.
 *
 * @throws ConfigError, with file, line and name, for what cannot be parsed, is not supported or cannot be written.
 * @example
 * await generate({ files: ['protos/shop.proto'], out: 'src/gen' }); // src/gen/shop.js, src/gen/shop.d.ts
 */
export async function generate(options: GenerateOptions): Promise<readonly string[]> {
  const { files, protoPath = [], out, services = true, modules = PACKAGE_MODULES } = options;
  if (out === '') throw new ConfigError('The output folder is empty. Name a folder with --out; "." is this one.');
  const kind = options.module ?? moduleKindOf(out);
  const schemas = select(loadSources(files, protoPath), { services, shipped: modules.shipped });
  checkDistinct(schemas);
  const borrowing = borrowingMessages(schemas);
  const outputs = schemas.flatMap((schema) => {
    const stem = join(resolve(out), moduleStem(schema.path));
    return [
      { path: `${stem}.d.ts`, text: emitDeclarations(schema, modules) },
      { path: `${stem}.js`, text: emitModule(schema, modules, kind, borrowing) },
    ];
  });
  const written = await writeFiles(outputs);
  const paths = outputs.map(({ path }) => path).sort();
  for (const path of paths) options.report?.(path, written.has(path));
  const warnings = schemas.flatMap(({ declarations }) =>
    declarations.flatMap((one) => (one.kind === 'service' ? one.warnings : [])),
  );
  for (const text of new Set(warnings)) options.warn?.(text);
  return paths;
}

/** Two files must not become one module; nor on a disk for which upper and lower case are the same. */
function checkDistinct(schemas: readonly FileSchema[]): void {
  const byStem = new Map<string, string>();
  for (const path of schemas.map((schema) => schema.path).sort()) {
    const stem = moduleStem(path).normalize('NFC').toLowerCase();
    const other = byStem.get(stem);
    if (other !== undefined) {
      const folder = `${moduleStem(path)}.js`;
      throw new ConfigError(`${other} and ${path} would both become ${folder}. Rename one of them.`);
    }
    byStem.set(stem, path);
  }
}
