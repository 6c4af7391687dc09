/** Finds and parses .proto files, with all that they import. */
import { existsSync, readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { ConfigError } from '../errors.js';
import { messageOf } from '../foreign.js';
import { packageFile } from '../installation.js';
import { limits } from '../limits.js';
import { readNamedFile } from '../named-file.js';
import { type FileNode, type ImportNode, type MessageNode, parseProto, refusal } from './syntax/index.js';

export interface Sources {
  /** By proto path, in the order in which they were reached: what a file imports comes before it. */
  readonly files: ReadonlyMap<string, FileNode>;
  /** Proto paths of the files asked for, such as `shop/pricing.proto`, without repetitions. */
  readonly requested: readonly string[];
  /** The newer one of Millrace's own descriptor.proto and that which the files import. It declares the options that every file has. */
  readonly descriptor: FileNode;
}

/**
 * Parses `files`. Imports are looked for below `protoPath`, or beside the files when there is none, and at last among those that
 * come with Millrace: `millrace/v1` and `google/protobuf`. Throws ConfigError.
 */
export function loadSources(files: readonly string[], protoPath: readonly string[]): Sources {
  for (const folder of protoPath) checkFolder(folder);
  const given = protoPath.length > 0 ? protoPath : files.map((file) => dirname(file));
  const folders = [...new Set([...given.map((folder) => resolve(folder)), bundledProtos()])];
  const loaded = new Map<string, FileNode>();
  const requested = new Set(files.map((file) => requestedPath(resolve(file), folders)));
  for (const path of requested) load(path, []);
  return { files: loaded, requested: [...requested], descriptor: descriptorFor(loaded.get(DESCRIPTOR), folders) };

  function load(path: string, importers: readonly FileNode[], by?: ImportNode): void {
    const circle = importers.findIndex((importer) => importer.path === path);
    const importer = importers.at(-1);
    if (circle >= 0 && importer !== undefined && by !== undefined) {
      const chain = [...importers.slice(circle).map((one) => one.path), path].join(', which imports ');
      throw refusal(
        importer.path,
        by.line,
        `The imports make a circle: ${chain}. Move what both need to a third file.`,
      );
    }
    if (loaded.has(path)) return;
    const file = find(path, folders);
    if (file === undefined) {
      const missing = `was not found below ${folders.join(', ')}. Name its folder with --proto-path.`;
      if (importer === undefined || by === undefined) throw new ConfigError(`${path} ${missing}`);
      throw refusal(importer.path, by.line, `${path}, imported by ${importer.path}, ${missing}`);
    }
    const node = parse(file, path);
    for (const next of node.imports) {
      checkCanonical(next, path);
      load(next.path, [...importers, node], next);
    }
    loaded.set(path, node);
  }
}

const DESCRIPTOR = 'google/protobuf/descriptor.proto';

/**
 * The one that the files import where it has all that Millrace's has; else Millrace's, which is then the newer one. A build of Millrace
 * itself has it in the proto path alone.
 */
function descriptorFor(imported: FileNode | undefined, folders: readonly string[]): FileNode {
  const file = find(DESCRIPTOR, [bundledProtos(), ...folders]);
  if (file === undefined) {
    throw new ConfigError(`${DESCRIPTOR} is missing in ${bundledProtos()}. Install Millrace again.`);
  }
  const own = parse(file, DESCRIPTOR);
  if (imported === undefined) return own;
  const names = new Set(fieldNames(imported.messages));
  return fieldNames(own.messages).every((name) => names.has(name)) ? imported : own;
}

/** `FieldOptions.FeatureSupport.edition_removed`, of all messages and those within them. */
function fieldNames(messages: readonly MessageNode[], scope = ''): readonly string[] {
  return messages.flatMap(({ name, fields, messages: inner }) => [
    ...fields.map((field) => `${scope}${name}.${field.name}`),
    ...fieldNames(inner, `${scope}${name}.`),
  ]);
}

/** A proto path that is a file would be the place of that file itself, and its module would have no name. */
function checkFolder(folder: string): void {
  if (folder === '') throw new ConfigError('A proto path is empty. Name a folder with --proto-path.');
  const found = look(folder);
  if (found?.isDirectory() === true) return;
  const problem = found === undefined ? 'does not exist' : 'is a file';
  throw new ConfigError(`The proto path ${folder} ${problem}. Name a folder with --proto-path.`);
}

function find(path: string, folders: readonly string[]): string | undefined {
  return folders.map((folder) => join(folder, path)).find((candidate) => isThere(candidate));
}

/** Folders do not count: those of another proto path may have the name of a file. */
function isThere(file: string): boolean {
  return look(file)?.isDirectory() === false;
}

function look(file: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch (cause) {
    throw new ConfigError(`${file} cannot be looked for: ${messageOf(cause)}.`, { cause });
  }
}

function parse(file: string, path: string): FileNode {
  const bytes = readNamedFile({ what: 'The file', path: file, maxBytes: limits.protoFileBytes });
  const text = utf8Of(bytes);
  if (text !== undefined) return parseProto(text, path);
  // As in protoc, comments may be in any encoding; this one is as good as any.
  return parseProto(new TextDecoder('windows-1252').decode(bytes), path, { isUtf8: false });
}

function utf8Of(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** The file of those that come with Millrace that declares the type `fullName`. */
export function bundledFileOf(fullName: string): string | undefined {
  const folder = /^(google\.protobuf|millrace\.v1)\./.exec(fullName)?.[1]?.replaceAll('.', '/');
  if (folder === undefined || !existsSync(join(bundledProtos(), folder))) return undefined;
  const name = fullName.slice(folder.length + 1).split('.')[0];
  const paths = readdirSync(join(bundledProtos(), folder)).map((file) => `${folder}/${file}`);
  return paths.find((path) => {
    const { messages, enums } = parse(join(bundledProtos(), path), path);
    return [...messages, ...enums].some((one) => one.name === name);
  });
}

/** As protoc has it: one file has one path, so that what it declares exists once, and no module lies outside the output folder. */
function checkCanonical({ path, line }: ImportNode, importer: string): void {
  const isCanonical = !path.includes('\\') && path.split('/').every((part) => !['', '.', '..'].includes(part));
  if (isCanonical && !hasControlCharacter(path)) return;
  throw refusal(
    importer,
    line,
    `import ${JSON.stringify(path)} is no path below the proto path: write it with "/", without ".", ".." and a leading "/", and name its folder with --proto-path.`,
  );
}

/** The proto path of a file on the command line: its place below the first folder that holds it. */
function requestedPath(file: string, folders: readonly string[]): string {
  if (look(file)?.isDirectory() === true) {
    throw new ConfigError(`${file} is a folder. Name the .proto files in it, such as ${join(file, '*.proto')}.`);
  }
  for (const folder of folders) {
    const path = relative(folder, file);
    if (path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path)) continue;
    const protoPath = path.split(sep).join('/');
    if (protoPath.includes('\\') || hasControlCharacter(protoPath)) {
      throw new ConfigError(`${JSON.stringify(file)} has a backslash or a control character in its name. Rename it.`);
    }
    const found = find(protoPath, folders);
    if (found === undefined || !isThere(file)) throw new ConfigError(`${file} was not found.`);
    if (realpathSync(found) === realpathSync(file)) return protoPath;
    throw new ConfigError(
      `${file} and ${found} are both ${protoPath} below the proto path. Rename one, or name the folder that holds both with --proto-path.`,
    );
  }
  throw new ConfigError(`${file} is not below the proto path: ${folders.join(', ')}.`);
}

function hasControlCharacter(path: string): boolean {
  // oxlint-disable-next-line no-control-regex -- it is about these
  return /[\u0000-\u001f\u007f\u2028\u2029]/.test(path);
}

function bundledProtos(): string {
  return packageFile('protos', 'millrace gen reads the .proto files that come with Millrace.');
}
