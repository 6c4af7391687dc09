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
import { emitViewDeclarations } from './view-declarations.js';
import { viewStem } from './view-imports.js';
import { emitViewModule } from './view-module.js';
import { type OutputFile, writeFiles } from './write-files.js';

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
  /** Whether views are generated too: a lazy reader of each message. Default: false. */
  readonly views?: boolean;
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
  const { files, protoPath = [], out, services = true, views = false, modules = PACKAGE_MODULES } = options;
  if (out === '') throw new ConfigError('The output folder is empty. Name a folder with --out; "." is this one.');
  const kind = options.module ?? moduleKindOf(out);
  const schemas = select(loadSources(files, protoPath), { services, shipped: modules.shipped });
  checkDistinct(schemas, views);
  const borrowing = borrowingMessages(schemas);
  const outputs = schemas.flatMap((schema) => {
    const stem = join(resolve(out), moduleStem(schema.path));
    const made: readonly OutputFile[] = [
      { path: `${stem}.d.ts`, text: emitDeclarations(schema, modules) },
      { path: `${stem}.js`, text: emitModule(schema, modules, kind, borrowing) },
    ];
    return views ? [...made, ...viewsOf(schema, join(resolve(out), viewStem(schema.path)), modules, kind)] : made;
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
function checkDistinct(schemas: readonly FileSchema[], views: boolean): void {
  const byStem = new Map<string, string>();
  for (const path of schemas.map((schema) => schema.path).sort()) {
    for (const stem of views ? [moduleStem(path), viewStem(path)] : [moduleStem(path)]) {
      const key = stem.normalize('NFC').toLowerCase();
      const other = byStem.get(key);
      if (other !== undefined)
        throw new ConfigError(`${other} and ${path} would both become ${stem}.js. Rename one of them.`);
      byStem.set(key, path);
    }
  }
}

function viewsOf(schema: FileSchema, stem: string, modules: RuntimeModules, kind: ModuleKind): readonly OutputFile[] {
  const [types, code] = [emitViewDeclarations(schema, modules), emitViewModule(schema, modules, kind)];
  if (types === undefined || code === undefined) return [];
  return [
    { path: `${stem}.d.ts`, text: types },
    { path: `${stem}.js`, text: code },
  ];
}
