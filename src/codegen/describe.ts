/** From the syntax trees to what is generated; or, for each declaration, why it is not. */
import { ConfigError } from '../errors.js';
import { checkOptions } from './check-options.js';
import { describeEnum } from './describe-enum.js';
import { describeMessage } from './describe-message.js';
import { describeService } from './describe-service.js';
import { type Features, featuresOf, withOptions } from './features.js';
import { isTakenExport } from './names.js';
import { checkProto, type Place } from './place.js';
import type { Declaration } from './schema.js';
import { type ExportedSymbol, join, type Symbols } from './symbols.js';
import { type FileNode, refusal } from './syntax/index.js';

/** What a declaration becomes, or the ConfigError that says why it is refused. */
export type Described = Declaration | ConfigError;

/** The declarations of one file, in the order of the source. */
export function describeFile(
  file: FileNode,
  symbols: Symbols,
  builtIn: Symbols,
): ReadonlyMap<ExportedSymbol, Described> {
  const exported = symbols.exportedBy(file);
  const features = attempt(() => fileFeatures(file, symbols, builtIn));
  if (features instanceof ConfigError) return new Map(exported.map((symbol) => [symbol, features]));
  const place = { file, symbols, builtIn, features };
  const owners = new Map<string, string>();
  return new Map(exported.map((symbol) => [symbol, attempt(() => describe(symbol, place, owners))]));
}

/** What a file must not hold when it is asked for itself, besides its declarations. */
export function checkFile(file: FileNode, symbols: Symbols, builtIn: Symbols): void {
  // A file without declarations is checked here alone.
  fileFeatures(file, symbols, builtIn);
  checkExtends(file, file.package, file, symbols);
}

function describe(symbol: ExportedSymbol, place: Place, owners: Map<string, string>): Declaration {
  const { file } = place;
  const { exportedName, fullName, kind, line } = symbol;
  const names = kind === 'message' ? [exportedName, `${exportedName}Init`] : [exportedName];
  for (const name of names) {
    const other = owners.get(name);
    if (other !== undefined) {
      const message = `${kind} ${fullName} and ${other} would both be exported as "${name}". Rename one of them.`;
      throw refusal(file.path, line, message);
    }
  }
  for (const name of names) owners.set(name, `${name === exportedName ? '' : 'the Init type of '}${kind} ${fullName}`);
  if (isTakenExport(exportedName)) {
    const message = `${kind} ${fullName} cannot be called "${exportedName}": generated code needs that name. Choose another.`;
    throw refusal(file.path, line, message);
  }
  checkProto(symbol.node.name, `${kind} ${fullName}`, line, file);
  switch (symbol.kind) {
    case 'message':
      return describeMessage(symbol, place);
    case 'enum':
      return describeEnum(symbol, place);
    case 'service':
      return describeService(symbol, place);
  }
}

function fileFeatures(file: FileNode, symbols: Symbols, builtIn: Symbols): Features {
  const features = featuresOf(file.edition);
  if (features === undefined) {
    const message = `edition "${file.edition}" is not understood. There are edition "2023", syntax "proto3" and syntax "proto2".`;
    throw refusal(file.path, file.editionLine, message);
  }
  const place = { file, symbols, builtIn, features };
  checkOptions(file.options, 'FileOptions', file.package, place);
  return withOptions(features, file.options, file.path);
}

/** Options may be extended; other messages have fixed fields in what is generated. */
function checkExtends(
  { extensions, messages }: Pick<FileNode, 'extensions' | 'messages'>,
  scope: string,
  file: FileNode,
  symbols: Symbols,
): void {
  for (const { extendee, field } of extensions) {
    const message = symbols.innermost(extendee, scope, file);
    const fullName = message?.fullName ?? extendee;
    if (/^google\.protobuf\.(?:\w+Options|FeatureSet)$/.test(fullName)) continue;
    const missing = message === undefined ? ', which is not declared in this file or its imports' : '';
    throw refusal(
      file.path,
      field.line,
      `${field.name} extends ${fullName}${missing}: only options can be extended. Declare a field in the message itself.`,
    );
  }
  for (const message of messages) checkExtends(message, join(scope, message.name), file, symbols);
}

function attempt<Result>(action: () => Result): Result | ConfigError {
  try {
    return action();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}
