/** What one generated module takes from others, and under which local names. */
import { posix } from 'node:path';
import type { ImportedNames } from './module-kind.js';
import type { FileSchema, TypeReference } from './schema.js';

/** Where generated modules find what Millrace has. */
export interface RuntimeModules {
  /** Module that declares MessageType, Service and the methods, as imported by the generated module at `path`. */
  specifier(path: string): string;
  /** Proto paths whose messages that module exports too. */
  readonly shipped: ReadonlySet<string>;
}

/** Path of the modules of a .proto file below the output folder, without `.js` and `.d.ts`. */
export function moduleStem(path: string): string {
  return path.replace(/\.proto$/, '');
}

export class Imports {
  readonly #file: FileSchema;
  /** The names that the module declares; undefined where these are those of the file. */
  readonly #declared: readonly string[] | undefined;
  readonly #modules: RuntimeModules;
  readonly #taken: Set<string>;
  /** By module, local name by exported name. */
  readonly #byModule = new Map<string, Map<string, string>>();

  /** `declared`: what a module declares that lies beside that of the file. */
  constructor(file: FileSchema, modules: RuntimeModules, declared?: readonly string[]) {
    this.#file = file;
    this.#modules = modules;
    this.#declared = declared;
    const own = file.declarations.flatMap(({ kind, name }) => (kind === 'message' ? [name, `${name}Init`] : [name]));
    this.#taken = new Set(declared ?? own);
  }

  /** Local name of a message, of its Init type (`suffix`), or of an enum. */
  local(reference: TypeReference, suffix: '' | 'Init' = ''): string {
    const name = reference.name + suffix;
    if (reference.file === this.#file.path && this.#declared === undefined) return name;
    return this.#import(this.#moduleOf(reference), name);
  }

  /** Local name of a type of the run time, such as MessageType. */
  runtime(name: string): string {
    return this.#import(this.#modules.specifier(this.#file.path), name);
  }

  /** All that was asked for so far, by module. */
  all(): readonly ImportedNames[] {
    return [...this.#byModule].map(([specifier, names]) => ({ specifier, names }));
  }

  #moduleOf(reference: TypeReference): string {
    if (this.#modules.shipped.has(reference.file)) return this.#modules.specifier(this.#file.path);
    return this.#pathTo(`${moduleStem(reference.file)}.js`);
  }

  #pathTo(target: string): string {
    const path = posix.relative(posix.dirname(this.#file.path), target);
    return path.startsWith('../') ? path : `./${path}`;
  }

  /** Local name of what another generated module exports. `target` is its path below the output folder. */
  protected fromModule(target: string, name: string): string {
    return this.#import(this.#pathTo(target), name);
  }

  #import(module: string, name: string): string {
    const names = this.#byModule.get(module) ?? new Map<string, string>();
    this.#byModule.set(module, names);
    const known = names.get(name);
    if (known !== undefined) return known;
    // `$` cannot be part of a name in a .proto file, so an alias collides with nothing else.
    let local = name;
    for (let count = 1; this.#taken.has(local); count++) local = `${name}$${count}`;
    this.#taken.add(local);
    names.set(name, local);
    return local;
  }
}
