/** All that the loaded files declare, by full name, and what a name means in a place: protobuf's rules of scope. */
import { ConfigError } from '../errors.js';
import { exportName } from './names.js';
import type { EnumNode, ExtensionNode, FileNode, MessageNode, ServiceNode } from './syntax/index.js';

interface Declared {
  /** Without a leading dot. */
  readonly fullName: string;
  readonly file: FileNode;
  readonly line: number;
}

export interface MessageSymbol extends Declared {
  readonly kind: 'message';
  readonly node: MessageNode;
  /** Name in the generated module: nested ones are joined by underscores, and words of the language have one at their end. */
  readonly exportedName: string;
}

export interface EnumSymbol extends Declared {
  readonly kind: 'enum';
  readonly node: EnumNode;
  readonly exportedName: string;
}

export interface ServiceSymbol extends Declared {
  readonly kind: 'service';
  readonly node: ServiceNode;
  readonly exportedName: string;
}

export interface ExtensionSymbol extends Declared {
  readonly kind: 'extension';
  readonly node: ExtensionNode;
  /** Full name of what it is declared in. */
  readonly scope: string;
}

/** What takes a name, and can be neither a type nor an option. */
interface OtherSymbol extends Declared {
  readonly kind: 'field' | 'oneof' | 'enum value' | 'rpc' | 'package' | 'map entry';
}

export type ProtoSymbol = MessageSymbol | EnumSymbol | ServiceSymbol | ExtensionSymbol | OtherSymbol;
export type TypeSymbol = MessageSymbol | EnumSymbol;
/** What becomes an export of a generated module. */
export type ExportedSymbol = MessageSymbol | EnumSymbol | ServiceSymbol;

export class Symbols {
  readonly #byName = new Map<string, ProtoSymbol>();
  readonly #exported = new Map<FileNode, ExportedSymbol[]>();
  readonly #files: ReadonlyMap<string, FileNode>;
  readonly #visible = new Map<string, ReadonlySet<FileNode>>();
  /** By path: the packages, and what packages lie in, that a file sees. */
  readonly #packages = new Map<string, ReadonlySet<string>>();

  /** Throws ConfigError when two declarations have one name. */
  constructor(files: ReadonlyMap<string, FileNode>) {
    this.#files = files;
    for (const file of files.values()) this.#addFile(file);
  }

  /** Messages, enums and services of `file`, nested ones included, outer ones first. */
  exportedBy(file: FileNode): readonly ExportedSymbol[] {
    return this.#exported.get(file) ?? [];
  }

  /**
   * The message or enum that `name` means within `scope` of `file`, when it is the type of a field: inner declarations that are no types
   * do not count. Undefined when there is none.
   */
  type(name: string, scope: string, file: FileNode): TypeSymbol | undefined {
    return this.#resolve(name, scope, file, isType);
  }

  /**
   * What `name` means within `scope` of `file` where protobuf takes the innermost declaration, whatever that is: for the types of an rpc,
   * for what `extend` extends, and for options.
   */
  innermost(name: string, scope: string, file: FileNode): ProtoSymbol | undefined {
    return this.#resolve(name, scope, file, (symbol): symbol is ProtoSymbol => symbol !== undefined);
  }

  /** The service that `name` means within `scope` of `file`. Undefined when there is none. */
  service(name: string, scope: string, file: FileNode): ServiceSymbol | undefined {
    return this.#resolve(name, scope, file, (symbol) => symbol.kind === 'service');
  }

  /** The message of this full name, seen or not. */
  message(fullName: string): MessageSymbol | undefined {
    const symbol = this.#byName.get(fullName);
    return symbol?.kind === 'message' ? symbol : undefined;
  }

  /** All extensions that `file` declares of the message `fullName`. */
  extensionsIn(file: FileNode, fullName: string): readonly ExtensionSymbol[] {
    return [...this.#byName.values()].filter((symbol): symbol is ExtensionSymbol => {
      if (symbol.kind !== 'extension' || symbol.file !== file) return false;
      return this.innermost(symbol.node.extendee, symbol.scope, file)?.fullName === fullName;
    });
  }

  /** A file that declares `name`, seen by `file` or not; for what an error suggests. */
  declaringFile(name: string): string | undefined {
    const wanted = name.replace(/^\./, '');
    const found = [...this.#byName.values()].find((symbol) => {
      return isType(symbol) && (symbol.fullName === wanted || symbol.fullName.endsWith(`.${wanted}`));
    });
    return found?.file.path;
  }

  #resolve<Found extends ProtoSymbol>(
    name: string,
    scope: string,
    file: FileNode,
    accepts: (symbol: ProtoSymbol) => symbol is Found,
  ): Found | undefined {
    const found = (fullName: string): Found | undefined => {
      const symbol = this.#seen(fullName, file);
      return symbol !== undefined && accepts(symbol) ? symbol : undefined;
    };
    if (name.startsWith('.')) return found(name.slice(1));
    const first = name.split('.', 1)[0] ?? name;
    for (let outer = scope; ; outer = scopeOf(outer)) {
      const prefix = outer === '' ? '' : `${outer}.`;
      // What the first part means is decided by the innermost scope that has it, whatever comes behind.
      if (first !== name && this.#holdsNames(prefix + first, file)) return found(prefix + name);
      const whole = first === name ? found(prefix + name) : undefined;
      if (whole !== undefined || outer === '') return whole;
    }
  }

  /** Whether other names may lie in `fullName`. */
  #holdsNames(fullName: string, file: FileNode): boolean {
    const kind = this.#seen(fullName, file)?.kind;
    return kind === 'message' || kind === 'enum' || kind === 'service' || kind === 'package';
  }

  #seen(fullName: string, file: FileNode): ProtoSymbol | undefined {
    const symbol = this.#byName.get(fullName);
    if (symbol === undefined) return undefined;
    // Several files may have the package.
    const isSeen =
      symbol.kind === 'package' ? this.#packagesFor(file).has(fullName) : this.#visibleFrom(file).has(symbol.file);
    return isSeen ? symbol : undefined;
  }

  /** The file itself, what it imports, and what these import publicly. */
  #visibleFrom(file: FileNode): ReadonlySet<FileNode> {
    const known = this.#visible.get(file.path);
    if (known !== undefined) return known;
    const visible = new Set([file]);
    const pending = file.imports.map(({ path }) => path);
    for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
      const imported = this.#files.get(path);
      if (imported === undefined || visible.has(imported)) continue;
      visible.add(imported);
      pending.push(...imported.imports.filter(({ isPublic }) => isPublic).map((one) => one.path));
    }
    this.#visible.set(file.path, visible);
    return visible;
  }

  #packagesFor(file: FileNode): ReadonlySet<string> {
    const known = this.#packages.get(file.path);
    if (known !== undefined) return known;
    const packages = new Set<string>();
    for (const visible of this.#visibleFrom(file)) {
      for (const name of prefixesOf(visible.package)) packages.add(name);
    }
    this.#packages.set(file.path, packages);
    return packages;
  }

  #addFile(file: FileNode): void {
    const scope = file.package;
    for (const fullName of prefixesOf(scope)) {
      if (this.#byName.get(fullName)?.kind !== 'package') {
        this.#add({ kind: 'package', fullName, file, line: file.packageLine });
      }
    }
    for (const node of file.messages) this.#addMessage(node, scope, '', file);
    for (const node of file.enums) this.#addEnum(node, scope, '', file);
    for (const node of file.services) {
      const fullName = join(scope, node.name);
      this.#add({ kind: 'service', fullName, file, line: node.line, node, exportedName: exportName(node.name) });
      for (const { name, line } of node.methods)
        this.#add({ kind: 'rpc', fullName: `${fullName}.${name}`, file, line });
    }
    this.#addExtensions(file.extensions, scope, file);
  }

  #addMessage(node: MessageNode, scope: string, outerName: string, file: FileNode): void {
    const fullName = join(scope, node.name);
    const exportedName = exportName(outerName + node.name);
    this.#add({ kind: 'message', fullName, file, line: node.line, node, exportedName });
    for (const { name, line } of node.fields) this.#add({ kind: 'field', fullName: `${fullName}.${name}`, file, line });
    for (const { name, line, keyType } of node.fields) {
      if (keyType === undefined) continue;
      this.#add({ kind: 'map entry', fullName: `${fullName}.${entryName(name)}`, file, line });
    }
    for (const { name, line } of node.oneofs) this.#add({ kind: 'oneof', fullName: `${fullName}.${name}`, file, line });
    for (const nested of node.messages) this.#addMessage(nested, fullName, `${outerName}${node.name}_`, file);
    for (const nested of node.enums) this.#addEnum(nested, fullName, `${outerName}${node.name}_`, file);
    this.#addExtensions(node.extensions, fullName, file);
  }

  /** The values of an enum are names beside it, not within it. */
  #addEnum(node: EnumNode, scope: string, outerName: string, file: FileNode): void {
    const exportedName = exportName(outerName + node.name);
    this.#add({ kind: 'enum', fullName: join(scope, node.name), file, line: node.line, node, exportedName });
    for (const { name, line } of node.values)
      this.#add({ kind: 'enum value', fullName: join(scope, name), file, line });
  }

  #addExtensions(extensions: readonly ExtensionNode[], scope: string, file: FileNode): void {
    for (const node of extensions) {
      const { name, line } = node.field;
      this.#add({ kind: 'extension', fullName: join(scope, name), file, line, node, scope });
    }
  }

  #add(symbol: ProtoSymbol): void {
    const { kind, fullName, file, line } = symbol;
    const other = this.#byName.get(fullName);
    if (other !== undefined) {
      const first = `${other.file.path}:${other.line}`;
      const hint =
        other.file === file
          ? 'Rename one of them.'
          : 'Rename one of them, or, if both files are the same one, give it and its imports one path.';
      throw new ConfigError(
        `${file.path}:${line}: ${kind} ${fullName} is declared already, as ${other.kind} in ${first}. ${hint}`,
      );
    }
    this.#byName.set(fullName, symbol);
    if (symbol.kind === 'message' || symbol.kind === 'enum' || symbol.kind === 'service') {
      const exported = this.#exported.get(file);
      if (exported === undefined) this.#exported.set(file, [symbol]);
      else exported.push(symbol);
    }
  }
}

/** `name` within `scope`, either of which may be empty. */
export function join(scope: string, name: string): string {
  return scope === '' ? name : `${scope}.${name}`;
}

/** Protobuf makes a message of the entries of a map: `foo_bar` -> `FooBarEntry`. */
function entryName(field: string): string {
  return `${field.replace(/(?:^|_+)(.?)/g, (_, next: string) => next.toUpperCase())}Entry`;
}

/** What encloses the declaration `fullName`: `a.b` of `a.b.c`. */
export function scopeOf(fullName: string): string {
  return fullName.slice(0, Math.max(0, fullName.lastIndexOf('.')));
}

/** `a.b.c` -> `a`, `a.b`, `a.b.c`; none of the empty name. */
function prefixesOf(name: string): readonly string[] {
  const parts = name === '' ? [] : name.split('.');
  return parts.map((_, index) => parts.slice(0, index + 1).join('.'));
}

function isType(symbol: ProtoSymbol): symbol is TypeSymbol {
  return symbol.kind === 'message' || symbol.kind === 'enum';
}
