/** A file's statements: from tokens to the tree. */
import { Cursor } from './cursor.js';
import { parseEnum } from './parse-enum.js';
import { parseExtend, parseMessage } from './parse-message.js';
import { parseOptionStatement } from './parse-options.js';
import { parseService } from './parse-service.js';
import { refusal } from './tokens.js';
import type { EnumNode, ExtensionNode, FileNode, ImportNode, MessageNode, OptionNode, ServiceNode } from './tree.js';

/** The tree of `source`; `path` is its name in errors. Throws ConfigError, with file and line, for what protobuf does not allow. */
export function parseProto(source: string, path: string): FileNode {
  const cursor = new Cursor(source, path);
  const { edition, line } = parseEdition(cursor);
  const imports: ImportNode[] = [];
  const options: OptionNode[] = [];
  const messages: MessageNode[] = [];
  const enums: EnumNode[] = [];
  const services: ServiceNode[] = [];
  const extensions: ExtensionNode[] = [];
  let packageName: string | undefined;
  let packageLine = 1;
  while (cursor.peek().kind !== 'end') statement();
  const content = { imports, options, messages, enums, services, extensions };
  return { path, edition, editionLine: line, package: packageName ?? '', packageLine, ...content };

  function statement(): void {
    const first = cursor.peek();
    // Editions from 2024 on say who may see a declaration, which is protoc's concern.
    if (/^(export|local)$/.test(first.text) && /^(message|enum)$/.test(cursor.peek(1).text)) cursor.take();
    const { text } = cursor.peek();
    if (text === 'message') messages.push(parseMessage(cursor, edition, 0));
    else if (text === 'enum') enums.push(parseEnum(cursor));
    else if (text === 'service') services.push(parseService(cursor));
    else if (text === 'extend') {
      const { extensions: added, groups } = parseExtend(cursor, edition, 0);
      extensions.push(...added);
      messages.push(...groups);
    } else if (text === 'import') imports.push(...parseImport(cursor));
    else if (cursor.skip('option')) options.push(parseOptionStatement(cursor));
    else if (text === 'package') {
      if (packageName !== undefined) throw refusal(path, first.line, 'The file has a second package line. Remove it.');
      packageName = parsePackage(cursor);
      packageLine = first.line;
    } else if (!cursor.skip(';')) throw cursor.wrong('a message, enum, service, import, option or package');
  }
}

function parseEdition(cursor: Cursor): { readonly edition: string; readonly line: number } {
  const { line, text } = cursor.peek();
  if (text !== 'syntax' && text !== 'edition') return { edition: 'proto2', line };
  cursor.take();
  cursor.expect('=', `behind ${text}`);
  const edition = cursor.string(`a string behind ${text}`);
  cursor.expect(';', `behind the ${text} line`);
  const isSyntax = edition === 'proto2' || edition === 'proto3';
  if (isSyntax !== (text === 'syntax')) {
    throw refusal(
      cursor.path,
      line,
      `${text} "${edition}" does not exist. There are syntax "proto3" and edition "2023".`,
    );
  }
  return { edition, line };
}

function parsePackage(cursor: Cursor): string {
  cursor.take();
  const name = cursor.dottedName('the name of a package');
  cursor.expect(';', 'behind the package');
  return name;
}

/** None for `import option`, which editions from 2024 on have, and which makes no types known. */
function parseImport(cursor: Cursor): readonly ImportNode[] {
  const { line } = cursor.take();
  const isOption = cursor.skip('option');
  const isPublic = !isOption && cursor.skip('public');
  if (!isOption && !isPublic) cursor.skip('weak');
  const path = cursor.string('the path of a .proto file in quotes');
  cursor.expect(';', 'behind the import');
  return [{ path, isPublic, line }];
}
