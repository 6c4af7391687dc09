/** Names in generated modules: how they are made, and which cannot be. */
import { ConfigError } from '../errors.js';

/** Members of references, of behavior definitions and of every object: no method can have their name. */
const METHOD_NAMES_TAKEN: ReadonlySet<string> = new Set([
  ...'ready toRef path name parent system type service then catch finally state on supervision mailbox'.split(' '),
  ...Object.getOwnPropertyNames(Object.prototype),
]);

const WORDS =
  'abstract any as asserts async await bigint boolean break case catch class const continue debugger declare default delete do else ' +
  'enum export extends false finally for from function get if implements import in infer instanceof interface is keyof let module ' +
  'namespace never new null number object of package private protected public readonly require exports __esModule __filename __dirname return set static string super switch ' +
  'symbol this throw true try type typeof undefined unique unknown var void while with yield arguments eval globalThis';

/** What generated code itself uses, in the emitted modules. */
const GENERATED =
  'Uint8Array ReadonlyMap init item key mark message outer reader value writer createMap createRecord setEntry entryKey entryValue end';

const EXPORTS_TAKEN: ReadonlySet<string> = new Set(`${WORDS} ${GENERATED}`.split(' '));

/**
 * `foo_bar` -> `fooBar`, as in protobuf's JSON mapping. What every object has already, such as `toString`, takes a `$` at its end:
 * otherwise an object without the field would seem to have it.
 */
export function propertyName(protoName: string): string {
  const name = protoName.replace(/_+(.?)/g, (_, next: string) => next.toUpperCase());
  return Object.hasOwn(Object.prototype, name) ? `${name}$` : name;
}

/** `Quote` -> `quote`. Throws ConfigError when references have such a member already. */
export function methodName(rpc: string, fullName: string, file: string): string {
  const name = rpc.charAt(0).toLowerCase() + rpc.slice(1);
  if (METHOD_NAMES_TAKEN.has(name)) {
    throw new ConfigError(
      `${file}: rpc ${fullName} would become the member "${name}", which references and behaviors have already. Give the rpc another name.`,
    );
  }
  return name;
}

/** Notes the names that a module exports, and refuses those that are taken. */
export class ExportedNames {
  readonly #file: string;
  readonly #owners = new Map<string, string>();

  constructor(file: string) {
    this.#file = file;
  }

  /** `owner` says what wants the name, in messages. */
  add(name: string, owner: string): void {
    if (EXPORTS_TAKEN.has(name)) {
      throw new ConfigError(
        `${this.#file}: ${owner} cannot be called "${name}": generated code needs that name. Choose another.`,
      );
    }
    const other = this.#owners.get(name);
    if (other !== undefined) {
      throw new ConfigError(
        `${this.#file}: ${owner} and ${other} would both be exported as "${name}". Rename one of them.`,
      );
    }
    this.#owners.set(name, owner);
  }
}

/** Properties of one message: two of the same name are refused. */
export function checkProperties(names: readonly string[], message: string, file: string): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) {
      throw new ConfigError(
        `${file}: two members of ${message} would both be the property "${name}". Rename one of them.`,
      );
    }
    seen.add(name);
  }
}
