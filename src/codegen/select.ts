/** Which declarations are generated: all of the files asked for, and of others what can be. */
import { ConfigError } from '../errors.js';
import { checkFile, type Described, describeFile } from './describe.js';
import {
  type Declaration,
  type FieldSchema,
  type FieldType,
  type FileSchema,
  isOneof,
  type OneofSchema,
  type TypeReference,
} from './schema.js';
import type { Sources } from './sources.js';
import { type ExportedSymbol, Symbols } from './symbols.js';
import type { FileNode } from './syntax/index.js';

export interface Selection {
  /** Whether services are generated, or messages and enums alone. */
  readonly services: boolean;
  /** Proto paths of files that need no module, since Millrace has it. */
  readonly shipped: ReadonlySet<string>;
}

/**
 * The files asked for, and those that hold what they need, with all that these need in turn. In a file that was not asked for, what
 * cannot be generated is left out when nothing needs it: such a file has to be right only as far as it is used.
 *
 * @throws ConfigError for anything that cannot be generated, and is asked for or needed.
 */
export function select(
  { files, requested, descriptor }: Sources,
  { services, shipped }: Selection,
): readonly FileSchema[] {
  const symbols = new Symbols(files);
  const builtIn = new Symbols(new Map([[descriptor.path, descriptor]]));
  // A descriptor.proto of any version has the options that it declares itself.
  const optionsIn = ({ path }: FileNode): Symbols => (path === descriptor.path ? symbols : builtIn);
  const described = new Map<ExportedSymbol, Described>();
  for (const file of files.values()) {
    for (const [symbol, result] of describeFile(file, symbols, optionsIn(file))) {
      if (services) described.set(symbol, result);
      else if (symbol.kind !== 'service') described.set(symbol, withoutServices(result));
    }
  }
  refuseUsersOfRefused(described);
  const byFile = groupByFile(described);
  const isRequested = (file: FileNode) => requested.includes(file.path);
  for (const file of [...files.values()].filter(isRequested)) {
    checkFile(file, symbols, optionsIn(file));
    for (const result of byFile.get(file)?.values() ?? []) if (result instanceof ConfigError) throw result;
  }
  const schemas = new Map<string, FileSchema>();
  const pending = [...requested];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const file = files.get(path);
    if (file === undefined || schemas.has(path)) continue;
    const schema = schemaOf(path, [...(byFile.get(file)?.values() ?? [])]);
    schemas.set(path, schema);
    pending.push(...schema.declarations.flatMap(referencesOf).flatMap(({ file: to }) => (shipped.has(to) ? [] : [to])));
  }
  return [...schemas.values()];
}

function schemaOf(path: string, results: readonly Described[]): FileSchema {
  return {
    path,
    declarations: results.filter((result): result is Declaration => !(result instanceof ConfigError)),
    leftOut: [...new Set(results.flatMap((result) => (result instanceof ConfigError ? [result.message] : [])))],
  };
}

/** Without services, their types cannot be named. */
function withoutServices(result: Described): Described {
  if (result instanceof ConfigError || result.kind !== 'message') return result;
  const { fields, properties } = result;
  const cases = (property: OneofSchema): OneofSchema => ({ ...property, cases: property.cases.map(withoutService) });
  return {
    ...result,
    fields: fields.map(withoutService),
    properties: properties.map((property) => (isOneof(property) ? cases(property) : withoutService(property))),
  };
}

function withoutService(field: FieldSchema): FieldSchema {
  const { type } = field;
  if (type.kind !== 'message' || type.service === undefined) return field;
  return { ...field, type: { ...type, service: { ...type.service, reference: undefined } } };
}

/** What needs something that is refused is refused itself, and what needs that, and so on. */
function refuseUsersOfRefused(described: Map<ExportedSymbol, Described>): void {
  const users = new Map<string, ExportedSymbol[]>();
  for (const [symbol, result] of described) {
    if (result instanceof ConfigError) continue;
    for (const { fullName } of referencesOf(result)) {
      const known = users.get(fullName);
      if (known === undefined) users.set(fullName, [symbol]);
      else known.push(symbol);
    }
  }
  const refused = [...described].filter(([, result]) => result instanceof ConfigError);
  for (let entry = refused.pop(); entry !== undefined; entry = refused.pop()) {
    const [needed, error] = entry;
    for (const user of users.get(needed.fullName) ?? []) {
      if (!(error instanceof ConfigError) || described.get(user) instanceof ConfigError) continue;
      const own = new ConfigError(
        `${error.message} ${user.kind} ${user.fullName} needs it (${user.file.path}:${user.line}).`,
        { cause: error },
      );
      described.set(user, own);
      refused.push([user, own]);
    }
  }
}

function groupByFile(
  described: ReadonlyMap<ExportedSymbol, Described>,
): ReadonlyMap<FileNode, ReadonlyMap<ExportedSymbol, Described>> {
  const byFile = new Map<FileNode, Map<ExportedSymbol, Described>>();
  for (const [symbol, result] of described) {
    const group = byFile.get(symbol.file) ?? new Map<ExportedSymbol, Described>();
    byFile.set(symbol.file, group.set(symbol, result));
  }
  return byFile;
}

function referencesOf(declaration: Declaration): readonly TypeReference[] {
  switch (declaration.kind) {
    case 'enum':
      return [];
    case 'message':
      return declaration.fields.flatMap(({ type }) => referenceOf(type));
    case 'service':
      return declaration.methods.flatMap(({ request, response }) => [request, response]);
  }
}

function referenceOf(type: FieldType): readonly TypeReference[] {
  if (type.kind === 'scalar') return [];
  const service = type.kind === 'message' ? type.service?.reference : undefined;
  return service === undefined ? [type.reference] : [type.reference, service];
}
