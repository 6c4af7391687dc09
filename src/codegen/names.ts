/** Names in generated modules: how they are made, and which cannot be. */
import { isReservedName } from '../reserved-names.js';

const WORDS =
  'abstract any as asserts async await bigint boolean break case catch class const continue debugger declare default delete do else ' +
  'enum export extends false finally for from function get if implements import in infer instanceof interface is keyof let module ' +
  'namespace never new null number object of package private protected public readonly require return set static string super switch ' +
  'symbol this throw true try type typeof undefined unique unknown var void while with yield arguments eval globalThis';

/** What a CommonJS module has already. */
const COMMONJS = 'exports __esModule __filename __dirname';

/** What generated code itself uses, in the emitted modules. */
const GENERATED =
  'Uint8Array ReadonlyMap init item key mark message outer reader value writer createField createList createMap createRecord setEntry isBytes ' +
  'refuseField entryKey entryValue end';

const EXPORTS_TAKEN: ReadonlySet<string> = new Set(`${WORDS} ${COMMONJS} ${GENERATED}`.split(' '));

/**
 * `foo_bar` -> `fooBar`, as in protobuf's JSON mapping. What every object has already, such as `toString`, takes a `$` at its end:
 * otherwise an object without the field would seem to have it. What would begin with a digit, such as `_1`, keeps an underscore.
 */
export function propertyName(protoName: string): string {
  const camel = protoName.replace(/_+(.?)/g, (_, next: string) => next.toUpperCase());
  const name = /^[A-Za-z]/.test(camel) ? camel : `_${camel}`;
  return Object.hasOwn(Object.prototype, name) ? `${name}$` : name;
}

/** `Quote` -> `quote`. Undefined when references and behaviors have such a member already. */
export function methodName(rpc: string): string | undefined {
  const name = rpc.charAt(0).toLowerCase() + rpc.slice(1);
  return isReservedName(name) ? undefined : name;
}

/** The name that a module exports a declaration by: `of` -> `of_`, since a module cannot export the words of the language and its own names. */
export function exportName(name: string): string {
  return EXPORTS_TAKEN.has(name) ? `${name}_` : name;
}

/** The first name that occurs twice. */
export function repeated(names: readonly string[]): string | undefined {
  return names.find((name, index) => names.indexOf(name) !== index);
}
