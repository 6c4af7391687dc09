/** Finds and parses .proto files, with all that they import. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';
import { ConfigError } from '../errors.js';

/** Declares the options of options; proto2, and of no use to anybody else. */
const DESCRIPTOR = 'google/protobuf/descriptor.proto';

export interface Sources {
  readonly root: protobuf.Root;
  /** Proto paths of the files asked for, such as `shop/pricing.proto`. */
  readonly requested: readonly string[];
}

/**
 * Parses `files`. Imports are looked for below `protoPath`, or beside the files when there is none, and at last among those that
 * come with Millrace: `millrace/v1` and `google/protobuf`. Throws ConfigError.
 */
export function loadSources(files: readonly string[], protoPath: readonly string[]): Sources {
  const given = protoPath.length > 0 ? protoPath : files.map((file) => dirname(file));
  const folders = [...new Set([...given.map((folder) => resolve(folder)), bundledProtos()])];
  const root = new protobuf.Root();
  root.addJSON(descriptorJson());
  const loaded = new Set([DESCRIPTOR]);
  const requested = files.map((file) => protoPathOf(resolve(file), folders));
  for (const path of requested) load(path, undefined);
  try {
    root.resolveAll();
  } catch (cause) {
    throw new ConfigError(`${requested.join(', ')}: ${messageOf(cause)}. Is an import missing?`, { cause });
  }
  return { root, requested };

  function load(path: string, importer: string | undefined): void {
    if (loaded.has(path)) return;
    loaded.add(path);
    const file = folders.map((folder) => join(folder, path)).find((candidate) => existsSync(candidate));
    if (file === undefined) {
      const by = importer === undefined ? '' : `, imported by ${importer},`;
      throw new ConfigError(
        `${path}${by} was not found below ${folders.join(', ')}. Name its folder with --proto-path.`,
      );
    }
    for (const next of parseFile(file, path, root)) load(next, path);
  }
}

function parseFile(file: string, path: string, root: protobuf.Root): readonly string[] {
  const source = readFileSync(file, 'utf8');
  checkSyntax(source, path);
  // The parser's own way to learn the name, missing in its types: it goes to errors and to `filename` of what is declared.
  Reflect.set(protobuf.parse, 'filename', path);
  try {
    const parsed = protobuf.parse(source, root, { keepCase: true, alternateCommentMode: true });
    return [...(parsed.imports ?? []), ...(parsed.weakImports ?? [])];
  } catch (cause) {
    throw new ConfigError(`${path}: ${messageOf(cause)}.`, { cause });
  } finally {
    Reflect.set(protobuf.parse, 'filename', null);
  }
}

/** Refuses what the parser would take for something else, or drop without a word. */
function checkSyntax(source: string, path: string): void {
  const code = withoutComments(source);
  const [, keyword, value] = /^\s*(syntax|edition)\s*=\s*["']([^"']*)["']/.exec(code) ?? [];
  if (keyword !== 'syntax' || value !== 'proto3') {
    const found =
      keyword === undefined ? 'it has no syntax line, which makes it proto2' : `it is ${keyword} "${value}"`;
    throw new ConfigError(`${path}: only proto3 is understood, and ${found}. Begin the file with: syntax = "proto3";`);
  }
  const [, group] = /\bgroup\s+(\w+)\s*=\s*\w+\s*[{[]/.exec(code) ?? [];
  if (group !== undefined) {
    throw new ConfigError(
      `${path}: ${group} is a group, which proto3 does not have. Declare a message and a field of its type.`,
    );
  }
  if (/\b__proto__\b/.test(code)) {
    throw new ConfigError(`${path}: nothing can be called "__proto__" in JavaScript. Choose another name.`);
  }
}

function withoutComments(source: string): string {
  return source.replace(/"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (text) =>
    text.startsWith('/') ? ' ' : text,
  );
}

function protoPathOf(file: string, folders: readonly string[]): string {
  for (const folder of folders) {
    const path = relative(folder, file);
    if (!path.startsWith('..') && !isAbsolute(path)) return path.split(sep).join('/');
  }
  throw new ConfigError(`${file} is not below the proto path: ${folders.join(', ')}.`);
}

function bundledProtos(): string {
  return fileURLToPath(new URL('../../protos', import.meta.url));
}

function descriptorJson(): Record<string, protobuf.AnyNestedObject> {
  const file = createRequire(import.meta.url).resolve('protobufjs/google/protobuf/descriptor.json');
  const json = JSON.parse(readFileSync(file, 'utf8')) as { readonly nested: Record<string, protobuf.AnyNestedObject> };
  return json.nested;
}

function messageOf(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, '');
}
