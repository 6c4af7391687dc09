import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { emitDeclarations } from './declarations.js';
import { describeFile } from './describe.js';
import type { RuntimeModules } from './imports.js';
import { type ModuleKind, moduleKindOf } from './module-kind.js';
import { emitModule } from './modules.js';
import type { FileSchema, FieldType, TypeReference } from './schema.js';
import { loadSources } from './sources.js';

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
 * is refused; a file that would not change is left alone. Resolves to the paths of all files, sorted.
 *
 * @throws ConfigError, with file and name, for what cannot be parsed or is not supported.
 * @example
 * await generate({ files: ['protos/shop.proto'], out: 'src/gen' }); // src/gen/shop.js, src/gen/shop.d.ts
 */
export async function generate(options: GenerateOptions): Promise<readonly string[]> {
  const { files, protoPath = [], out, modules = PACKAGE_MODULES } = options;
  const kind = options.module ?? (await moduleKindOf(out));
  const { root, requested } = loadSources(files, protoPath);
  const schemas = new Map<string, FileSchema>();
  const pending = [...requested];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (schemas.has(path)) continue;
    const schema = describeFile(root, path);
    schemas.set(path, schema);
    for (const { file } of referencesOf(schema)) if (!modules.shipped.has(file)) pending.push(file);
  }
  const outputs = [...schemas.values()].flatMap((schema) => {
    const stem = join(resolve(out), schema.path.replace(/\.proto$/, ''));
    return [
      { path: `${stem}.d.ts`, text: emitDeclarations(schema, modules) },
      { path: `${stem}.js`, text: emitModule(schema, modules, kind) },
    ];
  });
  await Promise.all(outputs.map(({ path, text }) => writeWhenChanged(path, text)));
  return outputs.map(({ path }) => path).sort();
}

function referencesOf({ declarations }: FileSchema): readonly TypeReference[] {
  return declarations.flatMap((declaration): readonly TypeReference[] => {
    switch (declaration.kind) {
      case 'enum':
        return [];
      case 'message':
        return declaration.fields.flatMap(({ type }) => referenceOf(type));
      case 'service':
        return declaration.methods.flatMap(({ request, response }) => [request, response]);
    }
  });
}

function referenceOf(type: FieldType): readonly TypeReference[] {
  return type.kind === 'scalar' ? [] : [type.reference];
}

async function writeWhenChanged(path: string, text: string): Promise<void> {
  const present = await readFile(path, 'utf8').catch(() => undefined);
  if (present === text) return;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
